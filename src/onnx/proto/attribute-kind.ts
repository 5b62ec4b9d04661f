/**
 * @file The kinds of attributes under our names and under ONNX's.
 */
import type { ValueKind } from "../graph.js";
import { AttributeProto_AttributeType as Kind } from "./generated/onnx_pb.js";

export const ATTRIBUTE_KINDS: Readonly<Record<ValueKind, Kind>> = {
  int: Kind.INT,
  float: Kind.FLOAT,
  string: Kind.STRING,
  tensor: Kind.TENSOR,
  graph: Kind.GRAPH,
  ints: Kind.INTS,
  floats: Kind.FLOATS,
  strings: Kind.STRINGS,
};

const BY_NUMBER = new Map(Object.entries(ATTRIBUTE_KINDS).map(([name, kind]) => [kind, name as ValueKind]));

/** Our name of a kind; undefined for those that no transformer uses, and for none. */
export function valueKind(kind: Kind): ValueKind | undefined {
  return BY_NUMBER.get(kind);
}

/**
 * @file Nodes from ONNX's messages: domains in one spelling, every node with a name of its own.
 */
import { VitreousError } from "../errors.js";
import type { Node } from "../graph.js";
import type { NodeProto } from "../proto/generated/onnx_pb.js";
import { scopeOf } from "../scope.js";
import { type AttributeReaders, readAttribute } from "./attribute.js";

/** "ai.onnx" is the long spelling of the default domain "". */
export function normalDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

function readNode(proto: NodeProto, name: string, read: AttributeReaders): Node {
  const where = `${proto.opType} node "${name}"`;
  if (proto.opType === "") {
    throw new VitreousError(`Node "${name}" has no operator: the model is damaged. Export it again.`);
  }
  const attributes = Object.fromEntries(proto.attribute.map((a) => [a.name, readAttribute(a, where, read)]));
  const metadata = new Map(proto.metadataProps.map((entry) => [entry.key, entry.value]));
  const scope = scopeOf(proto.name, metadata);
  return {
    op: proto.opType,
    domain: normalDomain(proto.domain),
    name,
    inputs: proto.input,
    outputs: proto.output,
    attributes,
    ...(proto.overload === "" ? {} : { overload: proto.overload }),
    ...(scope === undefined ? {} : { scope }),
  };
}

/**
 * The nodes, in the file's order. A node without a name is named by operator and position ("MatMul_12"), a
 * repeated name gets a number: each is unique in its graph and the same at every reading.
 */
export function readNodes(protos: readonly NodeProto[], read: AttributeReaders): Node[] {
  const taken = new Set(protos.map((p) => p.name));
  const used = new Set<string>();
  return protos.map((proto, i) => {
    let name = proto.name;
    if (name === "" || used.has(name)) {
      const stem = name === "" ? `${proto.opType}_${i}` : `${name}_${i}`;
      name = stem;
      for (let n = 2; taken.has(name) || used.has(name); n++) name = `${stem}_${n}`;
    }
    used.add(name);
    return readNode(proto, name, read);
  });
}

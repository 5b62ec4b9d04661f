/**
 * @file What a forward operator leaves behind for its gradient, so that nothing is computed twice: a norm's
 * statistics, GELU's Φ. Only nodes on the differentiated path are written in these forms.
 */
import type { Attributes } from "../onnx/builder.js";
import type { Node } from "../onnx/graph.js";
import type { Emitter } from "./emitter.js";
import { geluForward } from "./rules/gelu.js";
import { layerNormForward } from "./rules/layer-norm.js";
import { maxPoolForward } from "./rules/pool.js";

export interface ForwardParts {
  /** Values for the rule, by name. */
  readonly saved: Readonly<Record<string, string>>;
  /** The node that makes the original outputs, under their own names. */
  readonly result: {
    readonly op: string;
    readonly inputs: readonly string[];
    readonly attributes?: Attributes;
    /** By default the original ones; else the original ones and more after them. */
    readonly outputs?: readonly string[];
  };
}

/** Emits all but the node that makes the outputs; undefined leaves the node as it is. */
export type Forward = (node: Node, emit: Emitter) => ForwardParts | undefined;

const FORWARDS: Readonly<Record<string, Forward>> = {
  Gelu: geluForward,
  "com.microsoft:Gelu": geluForward,
  LayerNormalization: layerNormForward,
  MaxPool: maxPoolForward,
};

/** Writes the node into the graph in the form its gradient rule wants; gives what was saved. */
export function writeForward(node: Node, key: string, emit: Emitter): Readonly<Record<string, string>> {
  const parts = FORWARDS[key]?.(node, emit);
  if (parts === undefined) {
    emit.push(node);
    return {};
  }
  const { op, inputs, attributes = {}, outputs = node.outputs } = parts.result;
  emit.push({ ...node, op, domain: "", inputs, outputs, attributes });
  return parts.saved;
}

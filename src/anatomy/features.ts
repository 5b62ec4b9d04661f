/**
 * @file Tells a model without a classifier (DINO, a pretrained trunk) from one with: whether the output is tokens of the
 * last block, normalised and pooled, with no product of weights behind them. Where that cannot be told, it is taken for
 * a classifier.
 */
import type { Model, Node } from "../onnx/graph.js";
import { isNorm, rootOf, type Topology } from "./topology.js";

/** These pool tokens, or take some of them: what goes in is of the same kind as what comes out. */
const POOLS = new Set([
  "ReduceMean",
  "ReduceMax",
  "GlobalAveragePool",
  "GlobalMaxPool",
  "Gather",
  "Slice",
  "Split",
  "LpNormalization",
]);

/** Operands that depend on the image. */
const operands = (topology: Topology, node: Node): string[] =>
  node.inputs.filter((name) => topology.activations.has(name));

/** What a linear layer reads, its bias seen through; undefined for anything else. */
function linearInput(topology: Topology, name: string): string | undefined {
  const node = topology.producers.get(rootOf(topology, name));
  const inputs = node === undefined ? [] : operands(topology, node);
  if (node === undefined || inputs.length !== 1) return undefined;
  if (node.op === "Add") return linearInput(topology, inputs[0] ?? "");
  return node.op === "Gemm" || node.op === "MatMul" ? inputs[0] : undefined;
}

/** Whether a value holds features: reached from the sum that closes a block by norms and pooling alone. */
export function holdsFeatures(model: Model, topology: Topology, name: string): boolean {
  const node = topology.producers.get(rootOf(topology, name));
  if (node === undefined) return false;
  const inputs = operands(topology, node);
  const all = (): boolean =>
    inputs.length > 0 && inputs.every((input) => holdsFeatures(model, topology, input));
  if (isNorm(node) || POOLS.has(node.op) || node.op === "Concat") return all();
  switch (node.op) {
    case "Add": {
      // Of tokens: the residual sum that closes a block. Of pooled vectors: both must be features.
      if (inputs.length < 2) return false;
      return (model.graph.types.get(node.outputs[0] ?? "")?.shape?.length ?? 0) > 2 || all();
    }
    case "Mul":
    case "Div":
      // The mean of two: halved.
      return inputs.length === 1 && isScalar(model, node) && all();
    case "Tanh": {
      // The pooler of BERT-like models: a linear layer and a tanh on the class token.
      const pooled = linearInput(topology, node.inputs[0] ?? "");
      return pooled !== undefined && holdsFeatures(model, topology, pooled);
    }
    default:
      return false;
  }
}

const isScalar = ({ graph }: Model, node: Node): boolean =>
  node.inputs.some((name) => graph.constants.get(name)?.dims.every((d) => d === 1) ?? false);

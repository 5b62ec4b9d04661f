/**
 * @file Takes the scale and shift of a LayerNorm into the linear layers behind it: x̂·(γ⊙W) + (b + β·W) in the place of
 * (γ⊙x̂ + β)·W + b. The result is the same; but the gradients of γ and β are then made of matrices of the weights' size
 * and not of all tokens of all images, and what the backward pass needs of the norm is what the forward pass leaves.
 */

import { intAttribute } from "../onnx/attributes.js";
import { GraphBuilder } from "../onnx/builder.js";
import type { Graph, Model, Node } from "../onnx/graph.js";
import { float32Tensor } from "../onnx/tensor.js";

/** A norm, its linear layers, and by layer the node that adds its bias, if one does. */
interface Fold {
  readonly norm: Node;
  readonly dim: number;
  readonly layers: ReadonlyMap<Node, Node | undefined>;
}

function readersOf({ nodes, outputs }: Graph): (name: string) => readonly Node[] | undefined {
  const readers = new Map<string, Node[]>();
  for (const node of nodes) {
    for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  const kept = new Set(outputs.map(({ name }) => name));
  return (name) => (kept.has(name) ? undefined : (readers.get(name) ?? []));
}

/** The fold of a norm; undefined where something else than linear layers reads it, or it has nothing to train. */
function foldOf(
  norm: Node,
  { types, inputs }: Graph,
  readers: ReturnType<typeof readersOf>,
): Fold | undefined {
  const [x = "", scale = "", shift] = norm.inputs;
  const [shape, dims] = [types.get(x)?.shape, types.get(scale)?.shape];
  const dim = dims?.[0];
  const axis = intAttribute(norm, "axis", -1);
  const last = axis === -1 || axis === (shape?.length ?? 0) - 1;
  const trained = (name: string | undefined) => inputs.some((input) => input.name === name);
  if (norm.op !== "LayerNormalization" || norm.domain !== "" || norm.outputs.length !== 1 || !last)
    return undefined;
  if (typeof dim !== "number" || dims?.length !== 1 || shape?.at(-1) !== dim) return undefined;
  if (!trained(scale) && !trained(shift)) return undefined;
  const y = norm.outputs[0] ?? "";
  const layers = readers(y) ?? [];
  const fits = (layer: Node) =>
    layer.op === "MatMul" &&
    layer.domain === "" &&
    layer.inputs[0] === y &&
    types.get(layer.inputs[1] ?? "")?.shape?.length === 2;
  if (layers.length === 0 || !layers.every(fits)) return undefined;
  return { norm, dim, layers: new Map(layers.map((layer) => [layer, biasOf(layer, types, readers)])) };
}

/** The Add of a vector that alone reads a product. */
function biasOf(layer: Node, types: Graph["types"], readers: ReturnType<typeof readersOf>): Node | undefined {
  const [add, ...others] = readers(layer.outputs[0] ?? "") ?? [];
  if (add?.op !== "Add" || add.domain !== "" || others.length > 0) return undefined;
  return types.get(biasIn(add, layer))?.shape?.length === 1 ? add : undefined;
}

const biasIn = (add: Node, layer: Node): string => add.inputs.find((name) => name !== layer.outputs[0]) ?? "";

/** The model (types inferred) with the trained norms folded that are read by linear layers alone. */
export function foldNorms(model: Model): Model {
  const readers = readersOf(model.graph);
  const folds = model.graph.nodes.flatMap((norm) => foldOf(norm, model.graph, readers) ?? []);
  if (folds.length === 0) return model;
  const byNorm = new Map(folds.map((fold) => [fold.norm, fold]));
  const byLayer = new Map(folds.flatMap((fold) => [...fold.layers.keys()].map((layer) => [layer, fold])));
  const builder = GraphBuilder.rebuilding(model);
  /** β·W by the node that adds it. */
  const shifts = new Map<Node, { readonly layer: Node; readonly shift: string }>();
  const ones = (dim: number): string =>
    builder.constant(float32Tensor([dim], new Float32Array(dim).fill(1)), "ones");
  for (const node of model.graph.nodes) {
    const fold = byNorm.get(node);
    const folded = byLayer.get(node);
    const added = shifts.get(node);
    if (fold !== undefined) {
      builder.push({ ...node, inputs: [node.inputs[0] ?? "", ones(fold.dim)] });
    } else if (folded !== undefined) {
      const [, scale = "", shift] = folded.norm.inputs;
      const [x = "", weight = ""] = node.inputs;
      const scaled = builder.add("Mul", [weight, builder.add("Unsqueeze", [scale, builder.ints([1])])]);
      const add = folded.layers.get(node);
      const moved = shift === undefined ? undefined : builder.add("MatMul", [rowOf(builder, shift), weight]);
      if (moved === undefined) builder.push({ ...node, inputs: [x, scaled] });
      else if (add === undefined) {
        const product = builder.add("MatMul", [x, scaled]);
        builder.push({ ...node, op: "Add", inputs: [product, vectorOf(builder, moved)] });
      } else {
        builder.push({ ...node, inputs: [x, scaled] });
        shifts.set(add, { layer: node, shift: vectorOf(builder, moved) });
      }
    } else if (added !== undefined) {
      const bias = builder.add("Add", [biasIn(node, added.layer), added.shift]);
      builder.push({ ...node, inputs: [added.layer.outputs[0] ?? "", bias] });
    } else builder.push(node);
  }
  return { ...model, graph: builder.build() };
}

const rowOf = (builder: GraphBuilder, vector: string): string =>
  builder.add("Unsqueeze", [vector, builder.ints([0])]);

const vectorOf = (builder: GraphBuilder, row: string): string =>
  builder.add("Squeeze", [row, builder.ints([0])]);

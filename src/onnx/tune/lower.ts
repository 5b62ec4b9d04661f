/**
 * @file The last step before a graph is run: forms that no rewriting rule wants to see but ONNX Runtime runs faster.
 * A linear layer on a sequence, MatMul by a constant and Add of a bias, becomes Gemm between two Reshapes (which
 * cost nothing): the bias goes into the matrix product and one pass over the activations is saved.
 */
import { GraphBuilder } from "../builder.js";
import { type Dim, isStatic, isStaticShape, mulDim } from "../dim.js";
import type { Model, Node } from "../graph.js";
import { neededBy } from "../order.js";

/** The model as it should be given to ONNX Runtime; same inputs and outputs. */
export function lower(model: Model): Model {
  const { graph } = model;
  const uses = new Map<string, number>();
  for (const name of [...graph.nodes.flatMap(neededBy), ...graph.outputs.map((o) => o.name)]) {
    uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  const products = new Map(
    graph.nodes.filter((n) => n.op === "MatMul" && n.domain === "").map((n) => [n.outputs[0] ?? "", n]),
  );
  const fixed = fixedValues(model);
  const builder = GraphBuilder.rebuilding(model);
  const linear = new Map<Node, Linear>();
  const skipped = new Set<Node>();
  for (const node of graph.nodes) {
    const found = linearLayer(node, products, fixed, model);
    if (found === undefined || uses.get(found.product.outputs[0] ?? "") !== 1) continue;
    linear.set(node, found);
    skipped.add(found.product);
  }
  if (linear.size === 0) return model;
  for (const node of graph.nodes) {
    const layer = linear.get(node);
    if (layer !== undefined) writeGemm(builder, node, layer);
    else if (!skipped.has(node)) builder.push(node);
  }
  return { ...model, graph: builder.build() };
}

/** Values that depend on constants alone: ONNX Runtime computes them when it loads the model. */
function fixedValues({ graph }: Model): ReadonlySet<string> {
  const fixed = new Set(graph.constants.keys());
  for (const { inputs, outputs } of graph.nodes) {
    if (inputs.length > 0 && inputs.every((name) => name === "" || fixed.has(name))) {
      for (const name of outputs) fixed.add(name);
    }
  }
  return fixed;
}

interface Linear {
  readonly product: Node;
  readonly bias: string;
  /** Of the result: all but the last axis known up to one of them, which is written as −1. */
  readonly shape: readonly number[];
}

function linearLayer(
  node: Node,
  products: ReadonlyMap<string, Node>,
  fixed: ReadonlySet<string>,
  { graph }: Model,
): Linear | undefined {
  if (node.op !== "Add" || node.domain !== "") return undefined;
  const [a = "", b = ""] = node.inputs;
  for (const [made, bias] of [
    [a, b],
    [b, a],
  ] as const) {
    const product = products.get(made);
    const [x = "", w = ""] = product?.inputs ?? [];
    if (product === undefined || !fixed.has(w) || !fixed.has(bias)) continue;
    const [input, weight, given] = [x, w, bias].map((name) => graph.types.get(name));
    if (input?.dtype !== "float32" || weight?.dtype !== "float32") continue;
    if (!isStaticShape(weight.shape) || !isStaticShape(given?.shape) || input.shape === undefined) continue;
    const [rows = 0, columns = 0] = weight.shape;
    const isBias = given.shape.at(-1) === columns && given.shape.slice(0, -1).every((d) => d === 1);
    if (weight.shape.length !== 2 || !isBias || given.shape.length > input.shape.length) continue;
    const shape = withOneOpen([...input.shape.slice(0, -1), columns]);
    const many = input.shape.length >= 3 && manyRows(input.shape);
    if (shape !== undefined && many && input.shape.at(-1) === rows) return { product, bias, shape };
  }
  return undefined;
}

/** A handful of rows is done before the Reshapes are. */
function manyRows(shape: readonly Dim[]): boolean {
  const rows = shape.slice(0, -1).reduce<Dim>((product, d) => mulDim(product, d), 1);
  return typeof rows === "number" ? rows > 4 : rows !== null && rows.scale > 4;
}

/** A shape for Reshape: at most one axis that is not a number, written −1. */
function withOneOpen(shape: readonly Dim[]): readonly number[] | undefined {
  const open = shape.filter((d) => !isStatic(d));
  if (open.length > 1 || shape.includes(0)) return undefined;
  return shape.map((d) => (isStatic(d) ? d : -1));
}

function writeGemm(builder: GraphBuilder, add: Node, { product, bias, shape }: Linear): void {
  const [x = "", weight = ""] = product.inputs;
  const { outputs, name } = add;
  const inner = builder.shapeOf(x)?.at(-1);
  const flat = builder.add(
    "Reshape",
    [x, builder.ints([-1, isStatic(inner) ? inner : -1])],
    {},
    { hint: `${x}_rows` },
  );
  const vector =
    builder.shapeOf(bias)?.length === 1 ? bias : builder.add("Reshape", [bias, builder.ints([-1])]);
  const made = builder.add("Gemm", [flat, weight, vector], {}, { hint: `${name}_gemm` });
  builder.add("Reshape", [made, builder.ints(shape)], {}, { outputs, name });
}

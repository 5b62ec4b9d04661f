/**
 * @file Takes the 1/√2 inside GELU's error function into the linear layers around it: with v = x/√2, GELU is
 * √2·v·(1 + erf v)/2. Scaling two matrices of weights takes the place of a pass over the widest activations of a
 * transformer and of keeping its result for the backward pass.
 */
import { int, stringAttribute } from "../onnx/attributes.js";
import { GraphBuilder } from "../onnx/builder.js";
import type { Graph, Model, Node } from "../onnx/graph.js";

/** act(x·W₁ + b)·W₂, of which nothing else reads the inner values. */
interface Pair {
  readonly first: Node;
  readonly bias: Node;
  readonly gelu: Node;
  readonly second: Node;
}

/** A linear layer x·W by one matrix. */
const isLinear = (node: Node | undefined, { types }: Graph): node is Node =>
  node?.op === "MatMul" && node.domain === "" && types.get(node.inputs[1] ?? "")?.shape?.length === 2;

function pairsOf(graph: Graph, trained: ReadonlySet<string>): readonly Pair[] {
  const { nodes, outputs, types } = graph;
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readers = new Map<string, Node[]>();
  for (const node of nodes) {
    for (const name of node.inputs) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  const kept = new Set(outputs.map(({ name }) => name));
  const alone = (name: string): Node | undefined =>
    readers.get(name)?.length === 1 && !kept.has(name) ? readers.get(name)?.[0] : undefined;
  return nodes.flatMap((gelu): Pair[] => {
    const exact = stringAttribute(gelu, "approximate", "none") === "none";
    const [x = "", y = ""] = [gelu.inputs[0], gelu.outputs[0]];
    const bias = producers.get(x);
    const [product = "", vector = ""] = bias?.inputs ?? [];
    const [first, second] = [producers.get(product), alone(y)];
    if (gelu.op !== "Gelu" || gelu.domain !== "" || !exact || bias?.op !== "Add" || bias.domain !== "")
      return [];
    if (alone(x) !== gelu || alone(product) !== bias || types.get(vector)?.shape?.length !== 1) return [];
    if (!isLinear(first, graph) || !isLinear(second, graph) || second.inputs[0] !== y) return [];
    // Behind a trained weight the Gelu is differentiated, which is what writes it in parts.
    return trained.has(first.inputs[1] ?? "") ? [{ first, bias, gelu, second }] : [];
  });
}

/** The model (types inferred), with the attribute `unit` on each such Gelu: y = x·Φ(√2·x). */
export function foldGelus(model: Model, trained: ReadonlySet<string>): Model {
  const pairs = pairsOf(model.graph, trained);
  const factors = new Map<Node, number>();
  // A layer between two Gelus is the second of one pair and the first of the next.
  const scale = (node: Node, factor: number) => factors.set(node, (factors.get(node) ?? 1) * factor);
  for (const { first, bias, second } of pairs) {
    scale(first, Math.SQRT1_2);
    scale(bias, Math.SQRT1_2);
    scale(second, Math.SQRT2);
  }
  const gelus = new Set(pairs.map(({ gelu }) => gelu));
  const builder = GraphBuilder.rebuilding(model);
  for (const node of model.graph.nodes) {
    const factor = factors.get(node);
    if (factor !== undefined) {
      const scaled = builder.add("Mul", [node.inputs[1] ?? "", builder.float(factor)]);
      builder.push({ ...node, inputs: [node.inputs[0] ?? "", scaled] });
    } else if (gelus.has(node)) {
      builder.push({ ...node, attributes: { ...node.attributes, unit: int(1) } });
    } else builder.push(node);
  }
  return { ...model, graph: builder.build() };
}

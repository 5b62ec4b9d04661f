/**
 * @file The residual branches of a transformer, found by structure whatever the architecture: where a value is added to
 * another that was computed from it. What is dropped in training is dropped there.
 */
import { GraphBuilder } from "../onnx/builder.js";
import type { Graph, Model, Node, ValueInfo } from "../onnx/graph.js";

/** An Add and its two operands. */
export interface Residual {
  readonly add: Node;
  readonly trunk: string;
  /** What is added to the trunk, and was computed from it. */
  readonly branch: string;
}

/** Every residual sum of the graph, in order. */
export function findResiduals({ nodes }: Graph): readonly Residual[] {
  const producers = new Map(nodes.flatMap((node, at) => node.outputs.map((name) => [name, { node, at }])));
  const comesFrom = (name: string, origin: string): boolean => {
    const first = producers.get(origin)?.at;
    if (first === undefined) return false;
    const seen = new Set<string>();
    const queue = [name];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (next === origin) return true;
      const made = producers.get(next);
      if (seen.has(next) || made === undefined || made.at <= first) continue;
      seen.add(next);
      queue.push(...made.node.inputs);
    }
    return false;
  };
  return nodes.flatMap((add): Residual[] => {
    const [a = "", b = ""] = add.inputs;
    if (add.op !== "Add" || add.domain !== "" || a === b) return [];
    if (comesFrom(b, a)) return [{ add, trunk: a, branch: b }];
    return comesFrom(a, b) ? [{ add, trunk: b, branch: a }] : [];
  });
}

export interface Factors {
  /** Of what the branch adds: the name of a value that is written before. */
  readonly branch: (builder: GraphBuilder, branch: string, index: number) => string;
  /** The same of what the first branch starts from, for every reader of it. */
  readonly start?: (builder: GraphBuilder, start: string) => string;
}

/**
 * The model with its residual branches multiplied.
 *
 * @param residuals of this graph
 * @param inputs that the factors are made of
 */
export function multiplyBranches(
  model: Model,
  residuals: readonly Residual[],
  inputs: readonly ValueInfo[],
  { branch: factorOf, start: startFactor }: Factors,
): Model {
  const builder = GraphBuilder.rebuilding(model);
  for (const info of inputs) builder.input(info);
  const byAdd = new Map(residuals.map((residual, index) => [residual.add, { ...residual, index }]));
  const start = startFactor && residuals[0]?.trunk;
  let started = start;
  const times = (value: string, factor: string): string => builder.add("Mul", [value, factor]);
  for (const node of model.graph.nodes) {
    const own = byAdd.get(node);
    const product = own && times(own.branch, factorOf(builder, own.branch, own.index));
    const read = node.inputs.map((name) => {
      if (product !== undefined && name === own?.branch) return product;
      return name === start ? (started ?? name) : name;
    });
    builder.push({ ...node, inputs: read });
    if (start !== undefined && startFactor && node.outputs.includes(start))
      started = times(start, startFactor(builder, start));
  }
  return { ...model, graph: builder.build() };
}

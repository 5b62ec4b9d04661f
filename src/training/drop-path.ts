/**
 * @file Stochastic depth (Huang et al. 2016; timm's "drop path"): what a residual branch adds is multiplied, image by
 * image, by a mask that the caller draws. Branches are found by structure, whatever the architecture: where a value is
 * added to another that was computed from it.
 */
import { GraphBuilder } from "../onnx/builder.js";
import type { Graph, Model, Node } from "../onnx/graph.js";

/** An Add and which of its operands is the branch. */
interface Residual {
  readonly add: Node;
  readonly branch: 0 | 1;
}

/** Every residual sum of the graph, in order. */
function findResiduals({ nodes }: Graph): readonly Residual[] {
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
    if (comesFrom(b, a)) return [{ add, branch: 1 }];
    return comesFrom(a, b) ? [{ add, branch: 0 }] : [];
  });
}

export interface DropPathModel {
  readonly model: Model;
  /** For each row of the masks the probability that its branch is kept. */
  readonly keep: readonly number[];
}

/**
 * The model (types inferred) with an input `masks` [branches, batch], by whose rows the branches are multiplied.
 *
 * @param rate probability that the last block's branches are dropped; it rises linearly from 0 at the first block
 */
export function withDropPath(model: Model, masks: string, batch: number, rate: number): DropPathModel {
  const residuals = new Map(findResiduals(model.graph).map((residual) => [residual.add, residual]));
  // Attention and MLP of a block share its rate.
  const last = Math.max(1, Math.ceil(residuals.size / 2) - 1);
  const keep = Array.from({ length: residuals.size }, (_, i) => 1 - (rate * Math.floor(i / 2)) / last);
  const builder = GraphBuilder.rebuilding(model);
  builder.input({ name: masks, dtype: "float32", shape: [residuals.size, batch] });
  let row = 0;
  for (const node of model.graph.nodes) {
    const residual = residuals.get(node);
    if (residual === undefined) {
      builder.push(node);
      continue;
    }
    const branch = node.inputs[residual.branch] ?? "";
    const rank = builder.shapeOf(branch)?.length ?? 0;
    const mask = builder.add("Reshape", [
      builder.add("Gather", [masks, builder.int(row++)]),
      builder.ints([batch, ...Array.from({ length: rank - 1 }, () => 1)]),
    ]);
    const kept = builder.add("Mul", [branch, mask]);
    builder.push({ ...node, inputs: node.inputs.with(residual.branch, kept) });
  }
  return { model: { ...model, graph: builder.build() }, keep };
}

/**
 * @file Makes a model batched that was exported for one image. Exporters bake the 1 into Reshape targets and leave
 * the class token unexpanded; each is rewritten where the place of the batch is clear, and the attempt is given up
 * where it is not. Whether it computes the same is for the caller to verify by running it.
 */
import { type Batching, batchRules, sameForOne } from "./batching/rules.js";
import { GraphBuilder } from "./builder.js";
import { BATCH, isStaticShape, sameDim } from "./dim.js";
import type { Model, Node } from "./graph.js";
import { BatchNumbers } from "./shape/materialise.js";

/**
 * The model with N in place of a batch of 1, types filled in. `model` must be prepared, with known shapes.
 * Undefined where the batch cannot be carried from the inputs to the first axis of every output.
 */
export function makeBatched(model: Model): Model | undefined {
  const { graph } = model;
  const inputs = graph.inputs.map((input) =>
    input.shape?.[0] === 1 ? { ...input, shape: [BATCH, ...input.shape.slice(1)] } : input,
  );
  const first = inputs.find((input) => sameDim(input.shape?.[0], BATCH));
  if (first === undefined) return undefined;
  const builder = GraphBuilder.rebuilding({ ...model, graph: { ...graph, inputs } });
  const to: Batching = {
    builder,
    numbers: new BatchNumbers(builder, first.name),
    before: graph.types,
    outer: new Map(),
  };
  for (const node of graph.nodes) {
    const next = dependsOnBatch(node, builder) ? batched(node, to) : node;
    if (next === undefined) return undefined;
    builder.push(next);
    if (
      next.outputs.some(
        (name) => name !== "" && !sameForOne(builder.shapeOf(name), graph.types.get(name)?.shape),
      )
    ) {
      return undefined;
    }
  }
  const result = builder.build();
  const carried = result.outputs.every((output) => sameDim(output.shape?.[0], BATCH));
  return carried ? { ...model, graph: result } : undefined;
}

/** True where an input's shape holds N, or is not known. */
const dependsOnBatch = (node: Node, builder: GraphBuilder): boolean =>
  node.inputs.some((name) => name !== "" && !isStaticShape(builder.shapeOf(name)));

function batched(node: Node, to: Batching): Node | undefined {
  const carriers = node.inputs.filter((name) => name !== "" && !isStaticShape(to.builder.shapeOf(name)));
  const [outer = 1, ...others] = new Set(carriers.map((name) => to.outer.get(name) ?? 1));
  const rule = node.domain === "" ? batchRules[node.op] : undefined;
  if (rule === undefined || others.length > 0) return undefined;
  const next = rule(node, to);
  const repeated = next?.inputs.some((name, i) => i < node.inputs.length && name !== node.inputs[i]);
  if (outer === 1 || REPLACES.has(node.op)) return next;
  // What was repeated for each image has the batch in front.
  if (repeated && next?.op !== "Slice" && next?.op !== "Expand") return undefined;
  for (const name of node.outputs) to.outer.set(name, outer);
  return next;
}

/** These say themselves where the batch is. */
const REPLACES = new Set(["Reshape", "Flatten"]);

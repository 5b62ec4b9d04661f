/** @file Models before and after a pass: what a pass must leave, and whether it has changed anything. */
import type { GraphBuilder } from "../builder.js";
import type { Model } from "../graph.js";

/** The model with what was built, without dead nodes; values named in `keep` stay though no output needs them. */
export function rebuilt(model: Model, builder: GraphBuilder, keep: readonly string[]): Model {
  const outputs = model.graph.outputs.map((output) => output.name);
  const extra = keep.filter((name) => !outputs.includes(name));
  const graph = builder.build([...outputs, ...extra]);
  return { ...model, graph: { ...graph, outputs: graph.outputs.slice(0, outputs.length) } };
}

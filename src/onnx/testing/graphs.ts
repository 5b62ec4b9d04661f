/** @file For tests: small models written by hand. */
import { GraphBuilder } from "../builder.js";
import type { Shape } from "../dim.js";
import type { Model } from "../graph.js";

/** A model at the canonical opset from one float input "x" to what `write` gives back. */
export function modelFrom(
  shape: Shape,
  write: (g: GraphBuilder, x: string) => string | readonly string[],
): Model {
  const g = GraphBuilder.empty();
  const outputs = [write(g, g.input({ name: "x", dtype: "float32", shape }))].flat();
  return {
    irVersion: 9,
    opsets: new Map([
      ["", g.opset],
      ["com.microsoft", 1],
    ]),
    producer: "test",
    metadata: new Map(),
    graph: g.build(outputs),
    functions: [],
  };
}

export const opsOf = (model: Model): readonly string[] => model.graph.nodes.map((node) => node.op);

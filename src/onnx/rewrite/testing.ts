/** @file For tests: small graphs written by hand, and what is left of them. */
import { expect } from "vitest";
import { GraphBuilder } from "../builder.js";
import { BATCH, type Shape } from "../dim.js";
import type { Model } from "../graph.js";
import { float32Tensor } from "../tensor.js";
import { difference, feedsFor, noise, runModel } from "../testing/run.js";

/** A model with one input "x" [N, …shape]; `write` adds nodes and gives the names of the outputs. */
export function modelOf(shape: Shape, write: (builder: GraphBuilder, x: string) => readonly string[]): Model {
  const builder = GraphBuilder.empty("test", 18);
  builder.input({ name: "x", dtype: "float32", shape: [BATCH, ...shape] });
  const outputs = write(builder, "x");
  return {
    irVersion: 9,
    opsets: new Map([["", 18]]),
    producer: "test",
    metadata: new Map(),
    graph: builder.build(outputs),
    functions: [],
  };
}

/** A constant of noise. */
export function weight(builder: GraphBuilder, dims: readonly number[], seed = 7): string {
  const size = dims.reduce((product, d) => product * d, 1);
  return builder.constant(float32Tensor(dims, noise(size, seed)), `w${seed}`);
}

/** How often each operator occurs. */
export function operators(model: Model): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of model.graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

export const shapeIn = (model: Model, name: string): Shape | undefined => model.graph.types.get(name)?.shape;

/** Shapes of the outputs of all nodes of an operator, in order. */
export function shapesOf(model: Model, op: string): (Shape | undefined)[] {
  return model.graph.nodes.filter((n) => n.op === op).map((n) => shapeIn(model, n.outputs[0] ?? ""));
}

/** Largest relative difference of the outputs, at one image and at three. */
export async function distance(before: Model, after: Model): Promise<number> {
  let worst = 0;
  for (const batch of [1, 3]) {
    const feeds = feedsFor(before, batch, 11 + batch);
    worst = Math.max(worst, difference(await runModel(before, feeds), await runModel(after, feeds)));
  }
  return worst;
}

export async function expectSame(before: Model, after: Model, within = 1e-6): Promise<void> {
  expect(after.graph.outputs.map((o) => o.name)).toEqual(before.graph.outputs.map((o) => o.name));
  expect(await distance(before, after)).toBeLessThanOrEqual(within);
}

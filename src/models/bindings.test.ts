/** @file What constants say they are made of, held against what they are: for every checkpoint of the fixtures. */
import { describe, expect, it } from "vitest";
import { checkpointCases } from "../../test/checkpoint-cases.js";
import { elementCount, tensorToFloat32 } from "../onnx/tensor.js";
import { uniform } from "../random.js";
import { parseSpec } from "../spec.js";
import { openCheckpoint } from "./node/open.js";
import type { Binding } from "./weights.js";

const noise = uniform(11);
const vector = (length: number) => Float32Array.from({ length }, () => noise() - 0.5);
const zeros = ({ parts }: Binding) => parts.map(({ dims }) => new Float32Array(elementCount(dims)));
const dot = (a: readonly Float32Array[], b: readonly Float32Array[]): number =>
  a.reduce((sum, x, i) => x.reduce((s, v, j) => s + v * (b[i]?.[j] ?? Number.NaN), sum), 0);

describe("the constants of a checkpoint's graph", () => {
  it.each(checkpointCases().map((c) => [c.path, c] as const))("%s", async (_, { path, arch }) => {
    const { model, bindings } = await openCheckpoint(path, {
      arch: arch === undefined ? undefined : parseSpec(arch),
    });
    expect(bindings.size).toBeGreaterThan(10);
    for (const [name, binding] of bindings) {
      const constant = model.graph.constants.get(name);
      const length = constant === undefined ? 0 : tensorToFloat32(constant).length;
      if (binding.kind === "fixed") continue;
      const parts = binding.parts.map(({ dims }) => vector(elementCount(dims)));
      const made = new Float32Array(length);
      binding.compute(parts, made);
      const gradient = vector(length);
      const back = zeros(binding);
      binding.adjoint(gradient, back);
      // ⟨compute(p), g⟩ = ⟨p, adjoint(g)⟩ is what an adjoint is; what is there without the parts (a mask) has none.
      const rest = new Float32Array(length);
      binding.compute(zeros(binding), rest);
      const linear = made.map((value, i) => value - (rest[i] ?? 0));
      expect(dot([linear], [gradient]), name).toBeCloseTo(dot(parts, back), 3);
      if (binding.kind !== "rearranged") continue;
      const again = zeros(binding);
      binding.adjoint(made, again);
      expect(again, name).toEqual(parts);
    }
  });
});

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
const norm = (a: readonly Float32Array[]): number => Math.sqrt(dot(a, a));

/** Between the two places that slopes are taken from: what is linear is exact, what is not is bent by 1e-3 at most. */
const APART = 1 / 64;

describe("the constants of a checkpoint's graph", () => {
  const cases = checkpointCases().map((c) => [c.path, c] as const);
  it.each(cases)("%s", async (_, { path, arch, imageSize }) => {
    const { model, bindings } = await openCheckpoint(path, {
      arch: arch === undefined ? undefined : parseSpec(arch),
      image: imageSize,
    });
    expect(bindings.size).toBeGreaterThan(10);
    for (const [name, binding] of bindings) {
      const constant = model.graph.constants.get(name);
      const length = constant === undefined ? 0 : tensorToFloat32(constant).length;
      const made = (parts: readonly Float32Array[]): Float32Array => {
        const out = new Float32Array(length);
        binding.compute(parts, out);
        return out;
      };
      const parts = binding.parts.map(({ dims }) => vector(elementCount(dims)));
      const along = binding.parts.map(({ dims }) => vector(elementCount(dims)));
      const gradient = vector(length);
      const back = zeros(binding);
      binding.adjoint(gradient, back, parts);
      const [before, behind] = [-0.5, 0.5].map((side) =>
        made(parts.map((part, i) => part.map((v, j) => v + side * APART * (along[i]?.[j] ?? 0)))),
      );
      const slope = made(parts).map((_v, i) => ((behind?.[i] ?? Number.NaN) - (before?.[i] ?? 0)) / APART);
      // ⟨∂compute·d, g⟩ = ⟨d, adjoint(g)⟩ is what an adjoint is.
      const scale = norm([slope]) * norm([gradient]) + norm(along) * norm(back);
      expect(Math.abs(dot([slope], [gradient]) - dot(along, back)) / scale, name).toBeLessThan(1e-3);
      if (binding.kind !== "rearranged") continue;
      const again = zeros(binding);
      binding.adjoint(made(parts), again, []);
      expect(again, name).toEqual(parts);
    }
  });
});

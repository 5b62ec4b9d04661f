/** @file Ten steps against PyTorch's: test/oracle/training_steps.py says what it does and how exact it is. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readGolden } from "../../../test/corpus.js";
import { readSafetensors } from "../../models/safetensors.js";
import { parameterSet } from "../parameters.js";
import type { Schedule } from "../schedule.js";
import { changedModel, smallBatch } from "../testing/small.js";
import { nodeTrainer } from "./trainer.js";

const SCHEDULE: Schedule = { kind: "cosine", peak: 2e-3, least: 2e-5, warmup: 3, steps: 10 };

/** Attention does not depend on the keys' biases: their gradients are nothing but rounding. */
function determined(name: string, values: Float32Array): Float32Array {
  if (name.endsWith("key.bias")) return new Float32Array(0);
  if (!name.endsWith("qkv.bias")) return values;
  const third = values.length / 3;
  return Float32Array.of(...values.subarray(0, third), ...values.subarray(2 * third));
}

/** The largest difference over the largest value. */
function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  const all = Array.from(
    expected,
    (value, i) => [Math.abs(value), Math.abs(value - (actual[i] ?? Number.NaN))] as const,
  );
  const largest = Math.max(...all.map(([size]) => size), 0);
  return all.length === 0 ? 0 : Math.max(...all.map(([, difference]) => difference)) / largest;
}

describe("ten steps", () => {
  it.each(["steps-vit", "steps-deit", "steps-swin", "steps-swinv2-low-scales"])(
    "of %s are PyTorch's, whatever is trained in which layout",
    async (name) => {
      const path = fileURLToPath(
        new URL(`../../../test/fixtures/training/${name}.safetensors`, import.meta.url),
      );
      const golden = readGolden(path);
      const { metadata } = readSafetensors(readFileSync(path), path);
      const { built, tensors } = await changedModel(metadata.get("checkpoint") ?? "", golden);
      const parameters = await parameterSet(built, tensors);
      const trainer = await nodeTrainer({
        model: built.model,
        parameters,
        batch: 4,
        objective: { kind: "cross-entropy" },
        schedule: SCHEDULE,
        adamw: { weightDecay: 0.05 },
        layerDecay: 0.75,
        clip: 4.5,
        averaging: { decay: 0.9 },
        threads: 2,
      });
      const results = [];
      for (let i = 0; i < 10; i++) results.push(await trainer.step([smallBatch(4, 4 * i)]));
      const [current, averaged] = [await trainer.tensors("current"), await trainer.tensors("averaged")];
      await trainer.close();

      // Where single precision is worse than that, it is for PyTorch as well.
      const tolerance = Math.max(1e-5, 2 * Number(metadata.get("float32_error")));
      const rates: number[] = JSON.parse(metadata.get("rates") ?? "[]");
      expect(
        distance(
          results.map(({ learningRate }) => learningRate),
          rates,
        ),
      ).toBeLessThan(1e-9);
      expect(
        distance(
          results.map(({ loss }) => loss),
          golden.get("losses")?.data as Float32Array,
        ),
      ).toBeLessThan(1e-5);
      expect(
        distance(
          results.map(({ gradientNorm }) => gradientNorm),
          golden.get("norms")?.data as Float32Array,
        ),
      ).toBeLessThan(tolerance);
      let compared = 0;
      let worst = 0;
      for (const [prefix, ours] of [
        ["weights", current],
        ["averages", averaged],
      ] as const) {
        for (const [tensor, { dims, values }] of ours) {
          const expected = golden.get(`${prefix}.${tensor}`);
          expect(expected?.dims, tensor).toEqual(dims);
          worst = Math.max(
            worst,
            distance(determined(tensor, values), determined(tensor, expected?.data as Float32Array)),
          );
          compared += 1;
        }
      }
      expect(compared).toBe([...golden.keys()].filter((key) => /^(weights|averages)\./.test(key)).length);
      expect(worst).toBeLessThan(1e-5);
    },
  );
});

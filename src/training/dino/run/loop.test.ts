import { describe, expect, it } from "vitest";
import type { DinoBatch, DinoStepResult } from "../types.js";
import { PRETRAINING_START, type PretrainingLoop, type PretrainingState, runPretraining } from "./loop.js";
import type { QuickEvaluation } from "./record.js";

const shares = (accuracy: number): QuickEvaluation => ({
  knn: { accuracy, balancedAccuracy: accuracy },
  linear: { accuracy, balancedAccuracy: accuracy, decay: 0.1 },
});

const batch = (index: number): DinoBatch => ({
  globals: [new Float32Array(1), new Float32Array(1)],
  locals: [],
  size: 2,
  indices: [index],
});

const result = (more: Partial<DinoStepResult> = {}): DinoStepResult => ({
  loss: 1,
  gradientNorm: 2,
  learningRate: 0.5,
  weightDecay: 0.04,
  momentum: 0.99,
  teacherTemperature: 0.04,
  teacherEntropy: 3,
  applied: true,
  ...more,
});

function fake(more: Partial<PretrainingLoop> = {}) {
  const steps: number[] = [];
  const saves: PretrainingState[] = [];
  let evaluated = 0;
  const options: PretrainingLoop = {
    trainer: {
      step: async ({ indices }) => {
        steps.push(...indices);
        return result({ loss: 1 / steps.length, teacherEntropy: steps.length });
      },
    },
    epochs: 3,
    batches: async function* (epoch, from) {
      for (let i = from; i < 2; i++) yield batch(10 * epoch + i);
    },
    evaluate: async () => shares(++evaluated / 10),
    evaluateEvery: 2,
    save: async (state) => {
      saves.push(state);
    },
    saveEvery: Number.POSITIVE_INFINITY,
    now: () => 0,
    ...more,
  };
  return { options, steps, saves };
}

describe("the loop of a pretraining", () => {
  it("evaluates before the first step, when it is due, and at the end", async () => {
    const { options, steps, saves } = fake();
    const end = await runPretraining(options);
    expect(steps).toEqual([0, 1, 10, 11, 20, 21]);
    expect(end.before?.knn.accuracy).toBe(0.1);
    expect(end.curve.map((e) => e.evaluation?.knn.accuracy)).toEqual([undefined, 0.2, 0.3]);
    expect(end.curve[1]?.train).toMatchObject({ images: 4, steps: 2, gradientNorm: 2, teacherEntropy: 3.5 });
    expect(end.curve[1]?.train.loss).toBeCloseTo((1 / 3 + 1 / 4) / 2, 12);
    expect(saves).toHaveLength(4);
    expect(saves.at(-1)).toEqual(end);
  });

  it("evaluates nothing where images have no labels", async () => {
    const { options } = fake({ evaluate: undefined });
    const end = await runPretraining(options);
    expect(end.before).toBeUndefined();
    expect(end.curve.every((e) => e.evaluation === undefined)).toBe(true);
  });

  it("goes on from any saved state to the same end", async () => {
    const steady = { evaluate: async () => shares(0.5) };
    const trainer = { step: async ({ indices }: DinoBatch) => result({ loss: indices[0] ?? 0 }) };
    const whole = fake({ ...steady, trainer, saveEvery: 0 });
    const end = await runPretraining(whole.options);
    expect(whole.saves.length).toBeGreaterThan(8);
    for (const state of [PRETRAINING_START, ...whole.saves]) {
      expect(await runPretraining(fake({ ...steady, trainer }).options, state)).toEqual(end);
    }
  });

  it("saves and stops when it is interrupted, between steps or in an evaluation", async () => {
    const between = new AbortController();
    const one = fake({
      signal: between.signal,
      onStep: ({ images }) => {
        if (images === 2) between.abort(new Error("interrupted"));
      },
    });
    await expect(runPretraining(one.options)).rejects.toThrow("interrupted");
    expect(one.saves.at(-1)).toMatchObject({ curve: [], under: { steps: 1, images: 2 } });

    const during = new AbortController();
    const { saves, options } = fake({
      signal: during.signal,
      evaluateEvery: 1,
      evaluate: async () => {
        if (saves.length === 0) return shares(0.5);
        during.abort(new Error("interrupted"));
        throw during.signal.reason;
      },
    });
    await expect(runPretraining(options)).rejects.toThrow("interrupted");
    expect(saves.at(-1)).toMatchObject({ before: {}, curve: [], under: { steps: 2, images: 4 } });
  });

  it("keeps steps that were not applied out of its means", async () => {
    let n = 0;
    const step = async () =>
      ++n === 1 ? result({ loss: Number.NaN, gradientNorm: Number.NaN, applied: false }) : result();
    const end = await runPretraining(fake({ trainer: { step }, epochs: 1 }).options);
    expect(end.curve[0]?.train).toMatchObject({
      loss: 1,
      gradientNorm: 2,
      images: 2,
      steps: 2,
      refusedSteps: 1,
    });
  });
});

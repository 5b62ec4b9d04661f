import { describe, expect, it } from "vitest";
import type { QuickScores } from "../metrics/scores.js";
import type { TrainingBatch } from "../types.js";
import { better, type LoopOptions, type LoopState, runLoop, START } from "./loop.js";

const scores = (balancedAccuracy: number, loss = 1): QuickScores => ({
  balancedAccuracy,
  accuracy: 0.5,
  loss,
});

const batch = (epoch: number, index: number): TrainingBatch => ({
  pixels: new Float32Array(1),
  targets: new Float32Array(1),
  sampleWeights: Float32Array.of(1),
  indices: [epoch * 10 + index],
  size: 2,
});

interface Fake {
  readonly options: LoopOptions;
  readonly steps: string[];
  /** The first sample weight of each batch. */
  readonly weights: number[];
  readonly saves: LoopState[];
  readonly kept: number[];
}

function fake(validations: readonly QuickScores[], more: Partial<LoopOptions> = {}, epochs = 3): Fake {
  const steps: string[] = [];
  const weights: number[] = [];
  const saves: LoopState[] = [];
  const kept: number[] = [];
  let validated = 0;
  const options: LoopOptions = {
    trainer: {
      step: async (batches) => {
        steps.push(batches.flatMap((b) => b.indices).join("+"));
        weights.push(...batches.flatMap((b) => [...b.sampleWeights]));
        return {
          loss: 0.1 * steps.length,
          logits: new Float32Array(0),
          gradientNorm: 2,
          learningRate: 0.5,
          applied: true,
        };
      },
    },
    epochs,
    accumulate: 1,
    batches: async function* (epoch, from) {
      for (let i = from; i < 3; i++) yield batch(epoch, i);
    },
    validate: async () => validations[validated++] ?? scores(0),
    keepBest: async (epoch) => {
      kept.push(epoch);
    },
    save: async (state) => {
      saves.push(state);
    },
    saveEvery: Number.POSITIVE_INFINITY,
    now: () => 0,
    ...more,
  };
  return { options, steps, weights, saves, kept };
}

describe("the training loop", () => {
  it("takes every batch of every epoch, validates after each and ends", async () => {
    const { options, steps, saves } = fake([scores(0.4), scores(0.6), scores(0.5)]);
    const end = await runLoop(options);
    expect(steps).toEqual(["0", "1", "2", "10", "11", "12", "20", "21", "22"]);
    expect(end.curve.map((e) => e.validation.balancedAccuracy)).toEqual([0.4, 0.6, 0.5]);
    expect(end.curve[0]?.train).toMatchObject({ images: 6, steps: 3, gradientNorm: 2, learningRate: 0.5 });
    expect(end.curve[0]?.train.loss).toBeCloseTo(0.2, 12);
    expect(end.ended).toBe("all epochs are done");
    expect(saves.at(-1)).toEqual(end);
  });

  it("keeps the epoch of the best balanced accuracy, and of equals that of the lower loss", async () => {
    const { options, kept } = fake([scores(0.6, 2), scores(0.6, 1), scores(0.6, 1)]);
    expect((await runLoop(options)).best).toMatchObject({ epoch: 2, loss: 1 });
    expect(kept).toEqual([1, 2]);
    expect(better(scores(0.1), undefined)).toBe(true);
    expect(better(scores(0.5, 0.1), scores(0.6, 9))).toBe(false);
  });

  it("ends early when no epoch gets better for as long as it is patient", async () => {
    const { options } = fake([scores(0.9), scores(0.8), scores(0.7)], { patience: 2 }, 9);
    const end = await runLoop(options);
    expect(end.curve).toHaveLength(3);
    expect(end.ended).toBe("no epoch got better");
  });

  it("makes one step of several batches, and one of what an epoch leaves", async () => {
    const { options, steps, weights } = fake([], { accumulate: 2 }, 1);
    const end = await runLoop(options);
    expect(steps).toEqual(["0+1", "2"]);
    expect(weights).toEqual([0.5, 0.5, 1]);
    expect(end.curve[0]?.train).toMatchObject({ steps: 2, images: 6 });
  });

  it("goes on from any saved state to the same end", async () => {
    const validations = [scores(0.4), scores(0.6), scores(0.5)];
    const whole = fake(validations, { saveEvery: 0 });
    const end = await runLoop(whole.options);
    for (const state of whole.saves.slice(0, -1)) {
      const done = state.curve.reduce((n, e) => n + e.train.steps, state.under.steps);
      const rest = fake(validations.slice(state.curve.length));
      rest.steps.push(...whole.steps.slice(0, done));
      expect(await runLoop(rest.options, state)).toEqual(end);
      expect(rest.steps).toEqual(whole.steps);
    }
  });

  it("saves within an epoch when it is time to", async () => {
    let clock = 0;
    const { options, saves } = fake([], { saveEvery: 15, now: () => (clock += 9) }, 1);
    await runLoop(options);
    expect(saves.map((s) => s.under.batches)).toContain(2);
  });

  it("saves and stops when it is interrupted", async () => {
    const stop = new AbortController();
    const { options, saves, steps } = fake([], {
      signal: stop.signal,
      onStep: ({ epoch, images }) => {
        if (epoch === 1 && images === 4) stop.abort(new Error("interrupted"));
      },
    });
    await expect(runLoop(options)).rejects.toThrow("interrupted");
    expect(steps).toEqual(["0", "1"]);
    expect(saves).toHaveLength(1);
    expect(saves[0]).toMatchObject({ curve: [], under: { batches: 2, images: 4 } });
  });

  it("saves the steps of an epoch whose validation is interrupted", async () => {
    const stop = new AbortController();
    const { options, saves } = fake([], {
      signal: stop.signal,
      validate: async () => {
        stop.abort(new Error("interrupted"));
        throw stop.signal.reason;
      },
    });
    await expect(runLoop(options)).rejects.toThrow("interrupted");
    expect(saves.map((s) => s.under.batches)).toEqual([3]);
  });

  it("does nothing where training is over", async () => {
    const { options, steps } = fake([]);
    const over: LoopState = { ...START, ended: "all epochs are done" };
    expect(await runLoop(options, over)).toBe(over);
    expect(steps).toEqual([]);
  });

  it("counts steps that were not applied, and keeps their loss out of the mean", async () => {
    let n = 0;
    const { options } = fake(
      [],
      {
        trainer: {
          step: async () => {
            const applied = ++n !== 2;
            return {
              loss: applied ? 1 : Number.NaN,
              logits: new Float32Array(0),
              gradientNorm: applied ? 3 : Number.NaN,
              learningRate: 1,
              applied,
            };
          },
        },
      },
      1,
    );
    expect((await runLoop(options)).curve[0]?.train).toMatchObject({
      loss: 1,
      images: 4,
      refusedSteps: 1,
      gradientNorm: 3,
    });
  });
});

import { describe, expect, it } from "vitest";
import { recipeOf } from "./recipe.js";

const LONG = { batch: 64, epochs: 100, stepsPerEpoch: 10 };

describe("DINO's recipe", () => {
  it("has the published numbers where none are given", () => {
    const { trainer, momentum, weightDecay, temperature, centreMomentum } = recipeOf(LONG);
    expect(trainer).toMatchObject({
      schedule: { kind: "cosine", peak: 1.25e-4, least: 1e-6, start: 0, warmup: 100, steps: 1000 },
      clip: 3,
      clipEach: true,
      dropPath: 0.1,
      held: { steps: 10 },
    });
    expect([momentum(0), momentum(500), momentum(1000)]).toEqual([0.996, 0.998, 1]);
    expect(weightDecay(0)).toBeCloseTo(0.04, 12);
    expect(weightDecay(1000)).toBeCloseTo(0.4, 12);
    expect([temperature(0), temperature(999)]).toEqual([0.04, 0.04]);
    expect(centreMomentum).toBe(0.9);
  });

  it("holds the head's last layer and nothing else", () => {
    const { names } = recipeOf(LONG).trainer.held;
    const tensors = [
      "dino_head.last_layer.weight_v",
      "dino_head.last_layer.weight_g",
      "dino_head.mlp.0.weight",
    ];
    expect(tensors.map(names)).toEqual([true, true, false]);
  });

  it("warms the teacher's temperature up epoch by epoch", () => {
    const { temperature } = recipeOf({
      ...LONG,
      teacherTemperature: 0.07,
      warmupTeacherTemperatureEpochs: 4,
    });
    for (const [epoch, expected] of [0.04, 0.05, 0.06, 0.07, 0.07].entries()) {
      expect(temperature(10 * epoch)).toBeCloseTo(expected, 12);
      expect(temperature(10 * epoch + 9)).toBeCloseTo(expected, 12);
    }
  });

  it("warms up in all of a short training, and clips nothing where that is said", () => {
    const { trainer } = recipeOf({ batch: 32, epochs: 3, stepsPerEpoch: 7, clip: undefined });
    expect(trainer.schedule.warmup).toBe(21);
    expect(trainer.clip).toBeUndefined();
  });
});

import { describe, expect, it } from "vitest";
import { finetuneOptions } from "./options.js";

describe("the options of a fine-tuning", () => {
  it("have their defaults, and take numbers as text", () => {
    expect(finetuneOptions()).toMatchObject({ epochs: 10, learningRate: 1e-4, freeze: "none", patience: 0 });
    expect(finetuneOptions({ epochs: "3", freeze: "blocks:2", augmentation: { mixUp: 0.2 } })).toMatchObject({
      epochs: 3,
      freeze: "blocks:2",
      augmentation: { mixUp: 0.2, labelSmoothing: 0.05 },
    });
  });
  it("are refused by name", () => {
    expect(() => finetuneOptions({ epochs: 0 })).toThrow("epochs: must be a whole number, from 1 to 100000");
    expect(() => finetuneOptions({ freeze: "blocks:" })).toThrow("freeze: must be none, head or blocks:K");
    expect(() => finetuneOptions({ schedule: "step" })).toThrow(
      "schedule: must be cosine, linear or constant",
    );
    expect(() => finetuneOptions({ epoch: 1 })).toThrow("there is no parameter epoch");
    expect(() => finetuneOptions({ augmentation: { mixup: 1 } })).toThrow("mixup");
  });
});

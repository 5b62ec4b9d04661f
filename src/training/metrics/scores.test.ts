import { describe, expect, it } from "vitest";
import { calibrationBins, calibrationError } from "./calibration.js";
import { balancedAccuracy, confusionMatrix, macroF1 } from "./confusion.js";
import { quickScores, scoresOf } from "./scores.js";

// The images and numbers of test/oracle/classification_scores.py.
const truth = [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2];
// biome-ignore format: a row an image
const logits = Float32Array.from([
  2, 0.5, -1, 1.5, 1, 0.2, 0.1, 0.9, 0.3, 3, -1, -2,
  0.2, 1.7, 0, -0.5, 2.5, 1, 1.1, 0.4, 0.9, 0, 0.3, 2.2,
  -1, -0.2, 0.4, 0.6, 1.4, 1.3, 0, -2, 4, 0.9, 0.1, 1,
]);
const labels = ["a", "b", "c"];

describe("a classifier's scores", () => {
  const scores = scoresOf({ truth, logits }, { labels });

  it("are those of scikit-learn", () => {
    expect(scores.confusion).toEqual([
      [3, 1, 0],
      [1, 2, 0],
      [0, 1, 4],
    ]);
    expect(scores.loss).toBeCloseTo(0.5951486330540515, 7);
    expect(scores.accuracy.value).toBe(0.75);
    expect(scores.balancedAccuracy.value).toBeCloseTo(0.7388888888888889, 12);
    expect(scores.macroF1.value).toBeCloseTo(0.7367724867724869, 12);
    expect(scores.classes.map((c) => c.recall.value)).toEqual([0.75, 2 / 3, 0.8]);
    expect(scores.classes.map((c) => c.precision.value)).toEqual([0.75, 0.5, 1]);
    expect(scores.calibrationError.value).toBeCloseTo(0.14448841158071826, 7);
  });

  it("have Wilson's interval where they are shares, and one by resampling elsewhere", () => {
    expect(scores.accuracy.interval?.[0]).toBeCloseTo(0.46769466506643426, 12);
    for (const { value = Number.NaN, interval } of [
      scores.balancedAccuracy,
      scores.macroF1,
      scores.calibrationError,
    ]) {
      expect(interval?.[0]).toBeLessThan(value);
      expect(interval?.[1]).toBeGreaterThan(value);
    }
    expect(scoresOf({ truth, logits }, { labels })).toEqual(scores);
  });

  it("have wider intervals where images come in groups", () => {
    const groups = truth.map((_, i) => String(i >> 2));
    const grouped = scoresOf({ truth, logits, groups }, { labels });
    expect(grouped.balancedAccuracy.interval).not.toEqual(scores.balancedAccuracy.interval);
    expect(grouped.accuracy).toEqual(scores.accuracy);
  });

  it("are undefined, with the reason, for a class without images and one that nothing was taken for", () => {
    const two = scoresOf(
      { truth: [0, 0, 1], logits: Float32Array.of(1, 0, 0, 1, 0, 0, 0, 1, 0) },
      { labels },
    );
    expect(two.classes[2]?.recall).toEqual({
      value: undefined,
      interval: undefined,
      reason: "the class has no images",
    });
    expect(two.classes[2]?.precision.reason).toBe("no image was taken for this class");
    expect(two.balancedAccuracy).toMatchObject({ value: 1, reason: "without c, which has no images" });
  });

  it("are undefined without images", () => {
    const none = scoresOf({ truth: [], logits: new Float32Array(0) }, { labels });
    expect(none.loss).toBeUndefined();
    expect(
      [none.accuracy, none.balancedAccuracy, none.calibrationError].map((s) => [s.value, s.reason]),
    ).toEqual(Array.from({ length: 3 }, () => [undefined, "no images"]));
  });

  it("are finite for logits of any size", () => {
    const { loss } = quickScores({ truth: [0, 1], logits: Float32Array.of(1e4, -1e4, 3e38, 3e38) }, 2);
    expect(loss).toBeCloseTo(Math.log(2) / 2, 12);
  });

  it("in short are the same", () => {
    expect(quickScores({ truth, logits }, 3)).toEqual({
      loss: scores.loss,
      accuracy: 0.75,
      balancedAccuracy: scores.balancedAccuracy.value,
    });
  });
});

describe("counts of what was taken for what", () => {
  it("leave classes out that nothing is or was taken for", () => {
    const matrix = confusionMatrix([0, 1], [0, 1], 3);
    expect([balancedAccuracy(matrix), macroF1(matrix)]).toEqual([1, 1]);
  });
  it("refuse a class that is not there", () => {
    expect(() => confusionMatrix([3], [0], 3)).toThrow("image 0 is of class 3");
  });
});

describe("calibration", () => {
  it("puts a probability on a bin's edge below it, as the definition does", () => {
    const bins = calibrationBins([0.2, 0.21, 1, 0], [true, false, true, false], undefined, 5);
    expect(bins.map((b) => b.count)).toEqual([2, 1, 0, 0, 1]);
    expect(bins[2]).toMatchObject({ accuracy: undefined, confidence: undefined });
  });
  it("has no error where shares and probabilities agree", () => {
    expect(calibrationError(calibrationBins([0.5, 0.5], [true, false]))).toBe(0);
    expect(calibrationError([])).toBeUndefined();
  });
});

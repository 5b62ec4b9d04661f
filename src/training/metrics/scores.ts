/**
 * @file All that is reported of a classifier on labelled images, each with its 95 % interval: Wilson's for shares of
 * images, the bootstrap over groups for the others. A score that the images do not define is left undefined, with
 * the reason, and never taken for 0.
 */
import { statisticWithInterval } from "../../stats/bootstrap-statistic.js";
import { wilsonInterval } from "../../stats/wilson.js";
import { type CalibrationBin, calibrationBins, calibrationError } from "./calibration.js";
import {
  accuracy,
  balancedAccuracy,
  type ConfusionMatrix,
  classCounts,
  confusionMatrix,
  macroF1,
} from "./confusion.js";

/** A score; what is undefined has a reason. */
export interface Score {
  readonly value: number | undefined;
  readonly interval: readonly [number, number] | undefined;
  readonly reason?: string;
}

export interface ClassScores {
  readonly label: string;
  /** Images of the class. */
  readonly images: number;
  readonly recall: Score;
  readonly precision: Score;
}

export interface Scores {
  readonly images: number;
  /** Mean cross-entropy of the true class, natural logarithm. */
  readonly loss: number | undefined;
  readonly accuracy: Score;
  readonly balancedAccuracy: Score;
  readonly macroF1: Score;
  readonly calibrationError: Score;
  readonly classes: readonly ClassScores[];
  /** [true][predicted]. */
  readonly confusion: ConfusionMatrix;
  readonly calibration: readonly CalibrationBin[];
}

/** What a model said of labelled images. */
export interface Outcomes {
  readonly truth: readonly number[];
  /** [images, classes]. */
  readonly logits: Float32Array;
  /** Images of one group are not independent. */
  readonly groups?: readonly string[];
}

export interface Judged {
  readonly predicted: readonly number[];
  /** Softmax probability of the predicted class. */
  readonly confidence: readonly number[];
  /** −log of the true class's probability. */
  readonly losses: readonly number[];
}

/** Predicted class (the first of equals), its probability, and the loss, of each image. */
export function judge({ truth, logits }: Outcomes, classes: number): Judged {
  const predicted: number[] = [];
  const confidence: number[] = [];
  const losses: number[] = [];
  truth.forEach((label, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    let best = 0;
    row.forEach((v, k) => {
      if (v > (row[best] ?? 0)) best = k;
    });
    const top = row[best] ?? 0;
    const total = row.reduce((s, v) => s + Math.exp(v - top), 0);
    predicted.push(best);
    confidence.push(1 / total);
    losses.push(Math.log(total) + (top - (row[label] ?? Number.NaN)));
  });
  return { predicted, confidence, losses };
}

export interface ScoreOptions {
  readonly labels: readonly string[];
  /** Of the bootstrap. */
  readonly seed?: number;
  readonly resamples?: number;
}

export function scoresOf(outcomes: Outcomes, { labels, seed = 0, resamples }: ScoreOptions): Scores {
  const { truth, groups } = outcomes;
  const classes = labels.length;
  const { predicted, confidence, losses } = judge(outcomes, classes);
  const n = truth.length;
  const right = truth.map((t, i) => t === predicted[i]);
  const matrix = (times?: Float64Array): ConfusionMatrix => confusionMatrix(truth, predicted, classes, times);
  const confusion = matrix();
  const calibration = calibrationBins(confidence, right);
  const options = { seed, ...(groups && { groups }), ...(resamples && { resamples }) };
  const empty = labels.filter((_, k) => classCounts(confusion, k).actual === 0);
  const note =
    empty.length === 0 || n === 0
      ? {}
      : { reason: `without ${empty.join(", ")}, which ${empty.length === 1 ? "has" : "have"} no images` };
  const resampled = (statistic: (times: Float64Array) => number | undefined, more = {}): Score =>
    n === 0
      ? { value: undefined, interval: undefined, reason: "no images" }
      : { ...statisticWithInterval(n, statistic, options), ...more };
  return {
    images: n,
    loss: n === 0 ? undefined : losses.reduce((a, b) => a + b, 0) / n,
    accuracy: share(right.filter(Boolean).length, n, "no images"),
    balancedAccuracy: resampled((times) => balancedAccuracy(matrix(times)), note),
    macroF1: resampled((times) => macroF1(matrix(times)), note),
    calibrationError: resampled((times) => calibrationError(calibrationBins(confidence, right, times))),
    classes: labels.map((label, k) => {
      const { actual, predicted: taken, hits } = classCounts(confusion, k);
      return {
        label,
        images: actual,
        recall: share(hits, actual, "the class has no images"),
        precision: share(hits, taken, "no image was taken for this class"),
      };
    }),
    confusion,
    calibration,
  };
}

function share(hits: number, of: number, reason: string): Score {
  if (of === 0) return { value: undefined, interval: undefined, reason };
  return { value: hits / of, interval: wilsonInterval(hits, of) };
}

/** What the loop compares epochs by, without intervals. */
export interface QuickScores {
  readonly loss: number;
  readonly accuracy: number;
  readonly balancedAccuracy: number;
}

/** @throws RangeError without images */
export function quickScores(outcomes: Outcomes, classes: number): QuickScores {
  const { predicted, losses } = judge(outcomes, classes);
  const confusion = confusionMatrix(outcomes.truth, predicted, classes);
  const [right, balanced] = [accuracy(confusion), balancedAccuracy(confusion)];
  if (right === undefined || balanced === undefined) throw new RangeError("there are no images to score");
  return {
    loss: losses.reduce((a, b) => a + b, 0) / losses.length,
    accuracy: right,
    balancedAccuracy: balanced,
  };
}

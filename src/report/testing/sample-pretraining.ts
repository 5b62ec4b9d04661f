/** @file A pretraining's report of little, with everything that one shows. */
import type { PretrainingReport } from "../../training/dino/run/record.js";
import { scoresOf } from "../../training/metrics/scores.js";
import { pretrainingReport } from "../pretraining-report.js";

const scores = scoresOf(
  { truth: [0, 0, 1, 1], logits: Float32Array.of(2, 0, 3, 0, 0, 1, 1, 0) },
  { labels: ["benign", "malignant"] },
);
const shares = { accuracy: 0.8, balancedAccuracy: 0.7 };
const evaluation = { knn: shares, linear: { ...shares, decay: 0.1 } };
export const pretrainingEpoch = (n: number) => ({
  epoch: n,
  train: {
    loss: 5 - n,
    images: 64,
    steps: 1,
    refusedSteps: 0,
    gradientNorm: 1,
    teacherEntropy: 3,
    learningRate: 1e-4,
    weightDecay: 0.04,
    momentum: 0.996,
    teacherTemperature: 0.04,
  },
  ...(n === 2 && { evaluation }),
  seconds: 1,
});

export const pretrainingSample = (more: Partial<PretrainingReport> = {}): string =>
  pretrainingReport({
    title: "vit <tiny>, pretrained",
    facts: ["ViTModel"],
    before: evaluation,
    curve: [pretrainingEpoch(1), pretrainingEpoch(2)],
    evaluation: {
      knn: { validation: scores, test: scores },
      linear: { validation: scores, test: scores, decay: 0.1, tried: [0.1] },
    },
    notes: ["A note."],
    ...more,
  });

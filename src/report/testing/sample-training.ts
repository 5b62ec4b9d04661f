/** @file A training's report of little, with everything that one shows. */
import { scoresOf } from "../../training/metrics/scores.js";
import type { TrainingReport } from "../../training/run/report-data.js";
import { trainingReport } from "../training-report.js";

const labels = ["benign", "malignant", "normal"];
const scores = scoresOf(
  { truth: [0, 0, 1, 1], logits: Float32Array.of(2, 0, 0, 3, 0, 0, 0, 1, 0, 1, 0, 0) },
  { labels },
);
export const trainingEpoch = (loss: number) => ({
  train: { loss },
  validation: { loss: loss + 0.1, accuracy: 1 - loss, balancedAccuracy: 0.9 - loss },
});

export const trainingSample = (more: Partial<TrainingReport> = {}): string =>
  trainingReport({
    title: "Fine-tuned",
    facts: ["ViT", "4 images"],
    curve: [trainingEpoch(0.8), trainingEpoch(0.5)],
    best: 2,
    validation: scores,
    test: scores,
    wrong: [
      {
        name: "b/4.png",
        label: "malignant",
        predicted: "benign",
        probability: 0.576,
        picture: "data:image/jpeg;base64,AA",
      },
      { name: "b/5.png", label: "malignant", predicted: "benign", probability: 0.5 },
    ],
    notes: ["A note."],
    ...more,
  });

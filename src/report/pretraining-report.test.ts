import { describe, expect, it } from "vitest";
import type { PretrainingReport } from "../training/dino/run/record.js";
import { scoresOf } from "../training/metrics/scores.js";
import { pretrainingReport } from "./pretraining-report.js";

const scores = scoresOf(
  { truth: [0, 0, 1, 1], logits: Float32Array.of(2, 0, 3, 0, 0, 1, 1, 0) },
  { labels: ["benign", "malignant"] },
);
const shares = { accuracy: 0.8, balancedAccuracy: 0.7 };
const evaluation = { knn: shares, linear: { ...shares, decay: 0.1 } };
const epoch = (n: number) => ({
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

const page = (more: Partial<PretrainingReport> = {}): string =>
  pretrainingReport({
    title: "vit <tiny>, pretrained",
    facts: ["ViTModel"],
    before: evaluation,
    curve: [epoch(1), epoch(2)],
    evaluation: {
      knn: { validation: scores, test: scores },
      linear: { validation: scores, test: scores, decay: 0.1, tried: [0.1] },
    },
    notes: ["A note."],
    ...more,
  });

describe("the report of a pretraining", () => {
  it("shows loss, entropy and what the features are worth", () => {
    const html = page();
    expect(html).toContain("vit &#60;tiny&#62;, pretrained");
    expect(html).toMatch(/k-NN, accuracy<\/th><td[^>]*>75\.0%/);
    expect(html).toContain("linear, validation accuracy");
    expect(html.match(/<svg/g)).toHaveLength(3);
    expect(html).toContain("<p>A note.</p>");
    expect(html).not.toMatch(/undefined|NaN|<script/);
  });

  it("leaves out what images without labels cannot tell", () => {
    const html = pretrainingReport({ title: "t", facts: [], curve: [epoch(1)], notes: [] });
    expect(html).not.toMatch(/k-NN|undefined|NaN/);
    expect(html.match(/<svg/g)).toHaveLength(2);
  });
});

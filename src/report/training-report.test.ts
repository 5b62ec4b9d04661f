import { describe, expect, it } from "vitest";
import { scoresOf } from "../training/metrics/scores.js";
import type { TrainingReport } from "../training/run/report-data.js";
import { trainingReport } from "./training-report.js";

const labels = ["benign", "malignant", "normal"];
const scores = scoresOf(
  { truth: [0, 0, 1, 1], logits: Float32Array.of(2, 0, 0, 3, 0, 0, 0, 1, 0, 1, 0, 0) },
  { labels },
);
const epoch = (loss: number) => ({
  train: { loss },
  validation: { loss: loss + 0.1, accuracy: 1 - loss, balancedAccuracy: 0.9 - loss },
});

const page = (more: Partial<TrainingReport> = {}): string =>
  trainingReport({
    title: "Fine-tuned",
    facts: ["ViT", "4 images"],
    curve: [epoch(0.8), epoch(0.5)],
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

describe("the report of a training", () => {
  it("shows scores with intervals, curves, the confusion matrix, calibration and what is wrong", () => {
    const html = page();
    expect(html).toContain("75.0% <small>30.1 to 95.4</small>");
    expect(html.match(/<svg /g)).toHaveLength(3);
    expect(html).toContain('<td class="miss" style="--p:0.5">1</td>');
    expect(html).toMatch(/taken for <b class="wrong">benign<\/b> \(57\.6%\)/);
    expect(html.match(/<img /g)).toHaveLength(1);
    expect(html).toContain("b/5.png (malignant, taken for benign, 50.0%)");
    expect(html).toContain("A note.");
  });

  it("says why a score is undefined", () => {
    expect(page()).toContain('<td title="the class has no images">–</td>');
  });

  it("says so where nothing is wrong", () => {
    expect(page({ wrong: [] })).toContain("All 4 test images are right.");
  });

  it("draws a single epoch", () => {
    expect(page({ curve: [epoch(0.8)], best: 1 }).match(/NaN|Infinity|undefined/)).toBeNull();
    expect(page().match(/NaN|Infinity|undefined/)).toBeNull();
  });

  it("is one file that fetches nothing and runs nothing, in light and dark", () => {
    expect(page()).not.toMatch(/<script|<link|@import|url\(|(src|href)="(?!data:)/);
    expect(page()).toContain("default-src 'none'");
    expect(page()).toContain("prefers-color-scheme: dark");
  });

  it("is safe with any name of a file or class", () => {
    const nasty = `<img src=x onerror="alert(1)">'&`;
    const html = page({
      title: nasty,
      facts: [nasty],
      notes: [nasty],
      test: scoresOf({ truth: [0], logits: Float32Array.of(1, 0) }, { labels: [nasty, "b"] }),
      wrong: [{ name: nasty, label: nasty, predicted: nasty, probability: 1 }],
    });
    expect(html).not.toContain("<img src=x");
    expect(html).not.toMatch(/onerror="/);
  });
});

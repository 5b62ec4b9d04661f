import { describe, expect, it } from "vitest";
import { scoresOf } from "../training/metrics/scores.js";
import { trainingEpoch, trainingSample } from "./testing/sample-training.js";

describe("the report of a training", () => {
  it("shows scores with intervals, curves, the confusion matrix, calibration and what is wrong", () => {
    const html = trainingSample();
    expect(html).toContain("75.0% <small>30.1 to 95.4</small>");
    expect(html.match(/<svg /g)).toHaveLength(3);
    expect(html).toContain('<td class="miss" style="--p:0.5">1</td>');
    expect(html).toMatch(/taken for <b class="wrong">benign<\/b> \(57\.6%\)/);
    expect(html.match(/<img /g)).toHaveLength(1);
    expect(html).toContain("b/5.png (malignant, taken for benign, 50.0%)");
    expect(html).toContain("A note.");
  });

  it("says why a score is undefined", () => {
    expect(trainingSample()).toContain('<td title="the class has no images">–</td>');
  });

  it("says so where nothing is wrong", () => {
    expect(trainingSample({ wrong: [] })).toContain("All 4 test images are right.");
  });

  it("draws a single epoch", () => {
    expect(
      trainingSample({ curve: [trainingEpoch(0.8)], best: 1 }).match(/NaN|Infinity|undefined/),
    ).toBeNull();
    expect(trainingSample().match(/NaN|Infinity|undefined/)).toBeNull();
  });

  it("is one file that fetches nothing and runs nothing, in light and dark", () => {
    expect(trainingSample()).not.toMatch(/<script|<link|@import|url\(|(src|href)="(?!data:)/);
    expect(trainingSample()).toContain("default-src 'none'");
    expect(trainingSample()).toContain("prefers-color-scheme: dark");
  });

  it("is safe with any name of a file or class", () => {
    const nasty = `<img src=x onerror="alert(1)">'&`;
    const html = trainingSample({
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

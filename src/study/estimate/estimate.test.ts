import { describe, expect, it } from "vitest";
import type { StudyDeclaration } from "../types.js";
import { estimatePart, type ModelCosts, totalOf } from "./estimate.js";

const declaration: StudyDeclaration = {
  title: "A study",
  seed: 0,
  datasets: [],
  models: [],
  methods: ["a", "b"].map((id) => ({ id, spec: id, parameters: {} })),
  metrics: ["m", "n"].map((id) => ({ id, spec: id, parameters: {}, direction: "higher" })),
  class: "top",
  controls: ["random", "center", "edge", "inverted"],
  statistics: { level: 0.95, resamples: 1000, test: "wilcoxon", alpha: 0.05, power: 0.8 },
  report: { gallery: 0, misclassified: 0 },
  run: { device: "cpu", batch: 8, unit: 8 },
};

const costs: ModelCosts = {
  forward: 0.5,
  explanation: { a: 1, b: 3 },
  refused: {},
  metrics: { m: { perMap: 10, perImage: 1, points: 12 }, n: { perMap: 20, perImage: 1, points: 22 } },
  grid: 196,
  labels: ["a", "b", "c"],
};

const part = { dataset: "d", model: "v", images: 20, chunks: 3, labelled: 15 };

describe("what a study takes", () => {
  it("is counted by images, maps and metrics, controls among the maps", () => {
    // Two methods, each of them inverted, and three controls.
    expect(estimatePart(declaration, part, costs)).toMatchObject({
      cells: 20 * 7 * 2,
      units: 3 * (1 + 2 + 2 + 7 * 2),
      forwards: 20 * (1 + 2 + 7 * 30),
      explanations: 40,
      seconds: 20 * (1 + 2 + 7 * 30) * 0.5 + 20 * 4,
    });
    expect(estimatePart({ ...declaration, controls: [] }, part, costs)).toMatchObject({
      cells: 20 * 2 * 2,
      units: 3 * (1 + 2 + 2 + 2 * 2),
      forwards: 20 * (1 + 2 + 2 * 30),
    });
    expect(estimatePart({ ...declaration, controls: ["random"] }, part, costs).cells).toBe(20 * 3 * 2);
  });

  it("leaves out a method that the model refuses, and its inverted control", () => {
    const refusing = { ...costs, explanation: { a: 1 }, refused: { b: "cannot" } };
    expect(estimatePart(declaration, part, refusing)).toMatchObject({
      cells: 20 * 5 * 2,
      forwards: 20 * (1 + 2 + 5 * 30),
      explanations: 20,
    });
  });

  it("is more by a known bound where images are mistaken: both classes explained, without controls", () => {
    const showing = (misclassified: number, declared = "top") =>
      estimatePart({ ...declaration, class: declared, report: { gallery: 0, misclassified } }, part, costs)
        .mistakes;
    const none = { units: 0, forwards: 0, explanations: 0, seconds: 0, bytes: 0 };
    expect(showing(0)).toEqual(none);
    // One of the two classes is the study's own; predictions and the curves' ends are those of other chunks.
    const ten = {
      units: 2 * (1 + 2 + 2 + 2 * 2),
      forwards: 10 * (1 + 2 + 2 * 30),
      explanations: 20,
      seconds: 10 * (1 + 2 + 2 * 30) * 0.5 + 10 * 4,
    };
    expect(showing(10)).toMatchObject(ten);
    expect(showing(10, "true")).toMatchObject(ten);
    expect(showing(10, "b")).toMatchObject({
      units: 2 * (1 + 2 + 4 + 4 * 2),
      forwards: 10 * (1 + 2 + 4 * 30),
      explanations: 40,
    });
    // The model cannot be wrong about more images than have a label.
    expect(showing(100).explanations).toBe(30);
    expect(estimatePart(declaration, { ...part, labelled: 0 }, costs).mistakes).toEqual(none);
  });

  it("is the sum of its parts, its time divided among the workers", () => {
    const report = { gallery: 0, misclassified: 4 };
    const one = estimatePart({ ...declaration, report }, part, costs);
    expect(totalOf([one, one], 4)).toEqual({
      cells: 2 * one.cells,
      units: 2 * one.units,
      forwards: 2 * one.forwards,
      explanations: 2 * one.explanations,
      seconds: one.seconds / 2,
      bytes: 2 * one.bytes,
      mistakes: {
        units: 2 * one.mistakes.units,
        forwards: 2 * one.mistakes.forwards,
        explanations: 2 * one.mistakes.explanations,
        seconds: one.mistakes.seconds / 2,
        bytes: 2 * one.mistakes.bytes,
      },
    });
  });
});

/** @file Figures as they are drawn, to be looked at: test/fixtures/figures/*.svg open in a browser. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { analyse } from "../../../study/analysis/analyse.js";
import { drawnImages, drawnStudy } from "../testing/reported-study.js";
import { fileName, standalone } from "./figure.js";
import { allFigures, studyFigures } from "./study-figures.js";

const SNAPSHOTS = fileURLToPath(new URL("../../../../test/fixtures/figures", import.meta.url));

const analysis = analyse(
  drawnStudy({
    images: { pbc: drawnImages(["mono", "lympho"], 4), busi: drawnImages(["benign", "malignant"], 3) },
    models: { vit: 0.1, dino: 0.7 },
    methods: { "grad-cam": 0.2, rollout: 0.4 },
  }),
);
const figures = studyFigures(analysis);

describe("figures", () => {
  it.each(["means-pbc-insertion", "images-pbc-deletion", "curves-pbc-vit-insertion", "ranks-pbc-insertion"])(
    "%s is as it was looked at",
    async (name) => {
      const figure = allFigures(figures).find((f) => f.name === name);
      await expect(standalone(figure?.svg ?? "")).toMatchFileSnapshot(join(SNAPSHOTS, `${name}.svg`));
    },
  );

  it("are there for each column, model and ranking, with names of their own", () => {
    expect(figures.means).toHaveLength(4);
    expect(figures.curves).toHaveLength(8);
    expect(figures.distributions).toHaveLength(4);
    // Each data set and both together, by two metrics.
    expect(figures.rankings).toHaveLength(6);
    const names = allFigures(figures).map((f) => f.name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("hold no number that is none, and say what they show", () => {
    for (const { svg, description } of allFigures(figures)) {
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      expect(description).toMatch(/\w+ \w+/);
    }
  });

  it("stand alone as files: colours and letters do not come from a page", () => {
    for (const { svg } of allFigures(figures)) {
      expect(standalone(svg)).not.toMatch(/var\(|inherit|transparent/);
    }
  });
});

describe("names of figures' files", () => {
  it("are safe on every system", () => {
    expect(fileName("means", "a b", "insertion:step=1792")).toBe("means-a_b-insertion_step=1792");
    expect(fileName("../x", "<y>")).toBe(".._x-_y_");
  });
});

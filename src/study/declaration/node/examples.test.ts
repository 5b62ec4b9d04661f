/** @file The studies in examples/ are studies: each is read with every key known, and what lies beside them is there. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { resolveStudy } from "./read-study-file.js";

const folder = fileURLToPath(new URL("../../../../examples/", import.meta.url));
/** Those that need no more than what comes with the repository. */
const complete = ["compat.yaml", "own-model.yaml"];

describe("the example", () => {
  it.each(readdirSync(folder).filter((name) => name.endsWith(".yaml")))("%s is a study", async (name) => {
    const checkPaths = complete.includes(name);
    const study = await resolveStudy(`${folder}${name}`, { checkPaths });
    expect(study.models.length).toBeGreaterThan(0);
    expect(study.methods.length).toBeGreaterThan(1);
  });

  it("paper.yaml is four models on two data sets with two methods and two metrics, nothing left to a default", async () => {
    const { datasets, models, methods, metrics } = await resolveStudy(`${folder}paper.yaml`, {
      checkPaths: false,
    });
    expect([datasets.length, models.length, methods.length, metrics.length]).toEqual([2, 4, 2, 2]);
    for (const { checkpoints } of models) expect(Object.keys(checkpoints)).toEqual(["pbc", "busi"]);
    for (const { split, splits } of datasets) expect([split, typeof splits]).toEqual(["test", "string"]);
  });

  it("paper-sample.yaml differs from paper.yaml in what it says", async () => {
    const [paper, sample] = await Promise.all(
      ["paper.yaml", "paper-sample.yaml"].map((name) =>
        resolveStudy(`${folder}${name}`, { checkPaths: false }),
      ),
    );
    expect(sample?.models).toEqual(paper?.models);
    expect(sample?.methods).toEqual(paper?.methods);
    expect(sample?.datasets.map(({ images }) => images)).toEqual([60, 60]);
  });
});

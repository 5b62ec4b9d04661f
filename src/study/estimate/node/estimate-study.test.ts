import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runStudy } from "../../node/run-study.js";
import { smallModel, smallStudy, writePictures } from "../../node/testing/small-study.js";
import { estimateStudy } from "./estimate-study.js";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitreous-estimate-"));
  await writePictures(folder, 2);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("counts what a run computes, and what mistakes may add to it", async () => {
  const { declaration, plan } = await smallStudy(folder, {
    models: [smallModel("vit", "noise", "vitforimageclassification-plain")],
    metrics: [{ id: "deletion", spec: "deletion:step=64", parameters: {}, direction: "lower" }],
    report: { gallery: 0, misclassified: 3 },
  });
  const settings = { workers: 1, threads: 1, signal: new AbortController().signal };
  const { total, problems } = await estimateStudy({ declaration, plan }, settings);
  expect(problems).toEqual([]);
  const { forwards } = await runStudy({ declaration, plan }, { out: join(folder, "out"), threads: 1 });
  // A model with random weights is wrong about more than three of six images.
  const { mistakes } = total;
  expect(mistakes.forwards).toBe(3 * (1 + 1 + 2 * 3));
  expect(forwards).toBe(total.forwards + total.explanations + mistakes.forwards + mistakes.explanations);
});

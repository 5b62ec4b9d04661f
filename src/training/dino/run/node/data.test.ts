import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rgbPng } from "../../../../imaging/node/png.js";
import { writeSplits } from "../../../data/splits.js";
import { pretrainOptions } from "../options.js";
import { type PretrainingDataRequest, pretrainingData } from "./data.js";

let folder = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitreous-pretraining-"));
  for (const label of ["left", "right"]) {
    mkdirSync(join(folder, "labelled", label), { recursive: true });
    for (let i = 0; i < 20; i++) {
      const data = Uint8Array.from({ length: 12 }, (_, k) => (k === 0 ? i : label.length));
      writeFileSync(
        join(folder, "labelled", label, `${label}-${i}.png`),
        await rgbPng({ data, width: 2, height: 2 }),
      );
    }
  }
  for (const label of ["left", "right"])
    cpSync(join(folder, "labelled", label), join(folder, "plain"), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

const opened = (name: string, more: Partial<PretrainingDataRequest> = {}, seed = 0) =>
  pretrainingData({ path: join(folder, name), options: pretrainOptions({ seed }), ...more });

describe("the images of a pretraining", () => {
  it("are all of a folder without labels", async () => {
    const { train, labelled, notes } = await opened("plain");
    expect(train).toHaveLength(40);
    expect(labelled).toBeUndefined();
    expect(notes.join()).toMatch(/no labels: all 40 are learnt from/);
  });

  it("are the training images where there are labels, by the seed or by the split of another run", async () => {
    const first = await opened("labelled");
    const other = await opened("labelled", {}, 1);
    expect(other.train).not.toEqual(first.train);
    const splits = join(folder, "splits.json");
    writeFileSync(splits, writeSplits(first.labelled?.splits ?? expect.unreachable()));
    const given = await opened("labelled", { splits }, 1);
    expect(given.train).toEqual(first.train);
    expect(given.train).toHaveLength(28);
    expect(given.sha256).toBe(first.sha256);
    expect(given.notes.join()).toContain(`the split is that of ${splits}`);
  });

  it("are refused where a split has labels and they have none", async () => {
    const { labelled } = await opened("labelled");
    const record = labelled?.splits ?? expect.unreachable();
    const splits = join(folder, "splits.json");
    const bare = record.items.map((item) => ({ ...item, path: item.path.replace(/^.*\//, "") }));
    writeFileSync(splits, writeSplits({ ...record, items: bare }));
    await expect(opened("plain", { splits })).rejects.toThrow(/is "left" in the split and has no label in/);
  });
});

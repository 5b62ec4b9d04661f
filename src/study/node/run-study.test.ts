import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readStudy } from "./read-study.js";
import { runStudy } from "./run-study.js";
import { smallStudy, writePictures } from "./testing/small-study.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "vitreous-study-"));
  await writePictures(join(folder, "images"), 3);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a study", () => {
  it("computes every cell, and none a second time", async () => {
    const work = await smallStudy(join(folder, "images"));
    const out = join(folder, "once");
    const first = await runStudy(work, { out });
    expect(first.cells).toEqual({ done: 72, total: 72, reused: 0 });
    const rows = [...readStudy(out).rows()];
    expect(rows).toHaveLength(72);
    const second = await runStudy(work, { out });
    expect(second.cells).toEqual({ done: 72, total: 72, reused: 72 });
    expect(second.forwards).toBe(0);
    expect([...readStudy(out).rows()]).toEqual(rows);
  });
});

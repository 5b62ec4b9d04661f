/** @file Stores that another version of this package has written, or that are damaged: refused or mended, in plain words. */
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VitreousError } from "../../onnx/errors.js";
import type { StudyWork } from "../run/types.js";
import { openStore } from "../store/node/store.js";
import { decodeUnit, type UnitResult } from "../store/unit.js";
import type { ScoreRow, UnitKey } from "../types.js";
import type { StudyIndex } from "./index-file.js";
import { readStudy } from "./read-study.js";
import { runStudy } from "./run-study.js";
import { smallModel, smallStudy, writePictures } from "./testing/small-study.js";

let folder: string;
let work: StudyWork;
let rows: readonly ScoreRow[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitreous-earlier-"));
  await writePictures(join(folder, "images"), 1);
  work = await smallStudy(join(folder, "images"), {
    models: [smallModel("vit", "noise", "vitforimageclassification-plain")],
    controls: ["random"],
    report: { gallery: 1, misclassified: 0 },
  });
  await runStudy(work, { out: join(folder, "whole") });
  rows = [...readStudy(join(folder, "whole")).rows()];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the whole study. */
function copied(name: string): string {
  const out = join(folder, name.replaceAll(/\W+/g, "-"));
  cpSync(join(folder, "whole"), out, { recursive: true });
  return out;
}

const indexOf = (out: string): string => join(out, "cells", "index.json");

/** What `read` throws, which must be meant for people. */
function complaintOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(VitreousError);
    return error instanceof Error ? error.message : "";
  }
  throw new Error("nothing was thrown");
}

async function goneOn(out: string) {
  const notes: string[] = [];
  const { cells, forwards } = await runStudy(work, { out, events: { onNote: (note) => notes.push(note) } });
  return { notes, cells, forwards };
}

type Changed = Omit<StudyIndex, "declaration"> & { declaration: Record<string, unknown> };

const kinds: readonly (readonly [string, RegExp, (text: string) => string])[] = [
  [
    "controls that are true or false",
    /declaration\.controls: .*array/,
    changed((i) => (i.declaration.controls = true)),
  ],
  [
    "a control that there is not",
    /declaration\.controls\.0: /,
    changed((i) => (i.declaration.controls = ["noise"])),
  ],
  ["statistics without power", /declaration\.statistics: /, changed((i) => delete i.declaration.statistics)],
  [
    "a unit of no images",
    /declaration\.run\.unit: /,
    changed((i) => (i.declaration.run = { device: "cpu", batch: 1, unit: 0 })),
  ],
  ["no checkpoints", /checkpoints: /, changed((i) => delete (i as { checkpoints?: unknown }).checkpoints)],
  [
    "a checkpoint without labels",
    /checkpoints\.0\.labels: /,
    changed((i) => delete (i.checkpoints[0] as { labels?: unknown }).labels),
  ],
  [
    "preprocessing of another kind",
    /checkpoints\.0\.preprocessing: does not say how images are prepared/,
    changed((i) => ((i.checkpoints[0] as { preprocessing: unknown }).preprocessing = { size: 224 })),
  ],
  [
    "an image's hash as a number",
    /datasets\.0\.images\.0\.sha256: /,
    changed((i) => ((i.datasets[0]?.images[0] as { sha256: unknown }).sha256 = 1)),
  ],
  ["another version's number", /version: /, changed((i) => ((i as { version: number }).version = 2))],
  ["text that is cut off", /no whole JSON/, (text) => text.slice(0, text.length / 2)],
  ["no text", /no whole JSON/, () => ""],
  ["null", /all of it: /, () => "null"],
  ["a list", /all of it: /, () => "[]"],
];

function changed(change: (index: Changed) => unknown): (text: string) => string {
  return (text) => {
    const index = JSON.parse(text) as Changed;
    change(index);
    return JSON.stringify(index);
  };
}

describe("an index with", () => {
  it.each(kinds)(
    "%s is refused with its place and what to do; the study goes on and keeps its cells",
    async (name, what, damage) => {
      const out = copied(name);
      const whole = readFileSync(indexOf(out), "utf8");
      writeFileSync(indexOf(out), damage(whole));
      const complaint = complaintOf(() => readStudy(out));
      expect(complaint).toContain(`${indexOf(out)} is damaged, or of another version of vitreous (`);
      expect(complaint).toMatch(what);
      expect(complaint).toMatch(/: run the study again with its file, which keeps what is computed$/);
      const { notes, cells, forwards } = await goneOn(out);
      expect(notes.filter((note) => what.test(note) && /is written anew/.test(note))).toHaveLength(1);
      expect({ forwards, reused: cells.reused }).toEqual({ forwards: 0, reused: rows.length });
      expect(readFileSync(indexOf(out), "utf8")).toBe(whole);
      expect((await goneOn(out)).notes.some((note) => /written anew/.test(note))).toBe(false);
    },
  );
});

const units: readonly (readonly [string, UnitKey["kind"], (unit: UnitResult) => UnitResult])[] = [
  ["nothing in it", "predictions", () => ({ value: null, arrays: {} })],
  [
    "another name for its array",
    "predictions",
    ({ value, arrays: { logits } }) => ({ value, arrays: logits ? { rows: logits } : {} }),
  ],
  [
    "one image less",
    "predictions",
    ({ value, arrays }) => ({ value: { ...(value as object), lengths: [] }, arrays }),
  ],
  [
    "other numbers than floats",
    "maps",
    ({ value, arrays }) => ({ value, arrays: { values: Float64Array.from(arrays.values ?? []) } }),
  ],
  [
    "a map cut short",
    "maps",
    ({ value, arrays }) => ({ value, arrays: { values: (arrays.values ?? new Float32Array()).slice(1) } }),
  ],
  ["keys that are no lists", "endpoints", ({ arrays }) => ({ value: { keys: "blur", classes: 3 }, arrays })],
  [
    "scores without a reason",
    "scores",
    ({ value, arrays }) => ({
      value: { scores: (value as { scores: object[] }).scores.map((s) => ({ ...s, reason: undefined })) },
      arrays,
    }),
  ],
  [
    "longer curves than there are",
    "scores",
    ({ value, arrays }) => ({
      value,
      arrays: { ...arrays, curves: (arrays.curves ?? new Float64Array()).slice(2) as Float64Array },
    }),
  ],
];

/** The first stored unit of a kind: where it is, its key, and what it holds. */
function unitOf(out: string, kind: UnitKey["kind"]) {
  const cells = join(out, "cells");
  for (const name of readdirSync(cells, { recursive: true, encoding: "utf8" }).filter((f) =>
    f.endsWith(".cell"),
  )) {
    const bytes = readFileSync(join(cells, name));
    const body = bytes.subarray(bytes.indexOf("\n") + 1);
    const { key } = JSON.parse(body.subarray(0, body.indexOf("\n")).toString()) as { key: UnitKey };
    const unit = decodeUnit(body);
    if (key.kind === kind && unit !== undefined) return { path: join(cells, name), key, unit };
  }
  throw new Error(`no ${kind}`);
}

async function expectMended(out: string, kind: UnitKey["kind"]): Promise<void> {
  const read = () => {
    const study = readStudy(out);
    for (const { dataset, image } of study.rows()) study.maps(dataset, image);
  };
  // Endpoints are for computing alone.
  if (kind !== "endpoints")
    expect(complaintOf(read)).toMatch(
      /the stored \w+ [0-9a-f]{12} are damaged, or of another version of vitreous: run the study again/,
    );
  const { notes } = await goneOn(out);
  expect(notes.filter((note) => /damaged.*computed again/.test(note))).toHaveLength(1);
  expect([...readStudy(out).rows()]).toEqual(rows);
  expect((await goneOn(out)).forwards).toBe(0);
}

describe("a stored unit with", () => {
  it.each(units)("%s (%s) is computed again, and never read", async (name, kind, change) => {
    const out = copied(name);
    const { key, unit } = unitOf(out, kind);
    await openStore(join(out, "cells")).write(key, change(unit));
    await expectMended(out, kind);
  });

  it.each([
    ["no header", "nothing\n"],
    ["no line", "nothing"],
    ["a header of another kind", '{"arrays":{"logits":[1]}}\n'],
    ["an array that is not there", '{"arrays":[{"name":"a","type":"f4","length":9}],"value":1}\n'],
  ])("%s, whole by its sum, is computed again", async (name, body) => {
    const out = copied(name);
    const { path } = unitOf(out, "predictions");
    const sum = createHash("sha256").update(body).digest("hex");
    writeFileSync(path, `${`vitreous-cell-1 ${sum}`.padEnd(87)}\n${body}`);
    await expectMended(out, "predictions");
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openModel } from "../../api/node/open.js";
import { methodFromSpec } from "../../explain/registry.js";
import { metricFromSpec } from "../../metrics/registry.js";
import type { StudyMap, StudyWork } from "../run/types.js";
import { readStudy } from "./read-study.js";
import { runStudy } from "./run-study.js";
import { smallModel, smallStudy, writePictures } from "./testing/small-study.js";

let folder: string;
let images: string;
let work: StudyWork;
const vit = smallModel("vit", "noise", "vitforimageclassification-plain");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitreous-study-"));
  images = join(folder, "images");
  await writePictures(images, 2);
  work = await smallStudy(images, { models: [vit] });
  await runStudy(work, { out: join(folder, "plain") });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const plain = () => readStudy(join(folder, "plain"));

describe("a study", () => {
  it("computes every cell, and none a second time", async () => {
    const rows = [...plain().rows()];
    expect(rows).toHaveLength(6 * 2 * 2);
    expect(plain().complete).toBe(true);
    const again = await runStudy(work, { out: join(folder, "plain") });
    expect(again).toMatchObject({ cells: { done: 24, total: 24, reused: 24 }, forwards: 0, failures: [] });
    expect([...plain().rows()]).toEqual(rows);
  });

  it("gives its rows method by method, metric by metric, in the images' order", () => {
    const names = work.plan.datasets[0]?.images.map(({ name }) => name) ?? [];
    const expected = ["grad-cam", "gradient-rollout"].flatMap((method) =>
      ["insertion", "deletion"].flatMap((metric) => names.map((image) => [method, metric, image])),
    );
    expect([...plain().rows()].map((r) => [r.method, r.metric, r.image])).toEqual(expected);
  });

  it("scores what one image through the library is scored", async () => {
    const model = await openModel(vit.checkpoints.noise?.path ?? "", { threads: 1 });
    for (const planned of work.plan.datasets[0]?.images.slice(0, 2) ?? []) {
      const image = await model.read(planned.path);
      const methods = ["grad-cam", "gradient-rollout"].map(methodFromSpec);
      const { maps, predictions } = await model.explain(image, methods);
      const scores = await model.score(image, maps, ["insertion", "deletion"].map(metricFromSpec), {
        classes: [predictions[0]?.index ?? 0],
      });
      const rows = [...plain().rows()].filter((row) => row.image === planned.name);
      rows.forEach((row, i) => {
        expect(row.score).toBeCloseTo(scores[i]?.auc ?? Number.NaN, 6);
        expect(row.curve).toHaveLength(17);
        expect(row.class).toBe(predictions[0]?.label);
        expect(row.probability).toBeCloseTo(predictions[0]?.probability ?? Number.NaN, 6);
        expect(row).toMatchObject({ predicted: row.class, label: planned.label, control: false });
      });
      const stored = plain().maps("noise", planned.name);
      expect(stored.map(({ method }) => method)).toEqual(["grad-cam", "gradient-rollout"]);
      stored.forEach((map, i) => {
        const sized = maps[i]?.atImageSize() ?? [];
        map.atImageSize().forEach((v, at) => {
          expect(v).toBeCloseTo(sized[at] ?? Number.NaN, 4);
        });
      });
    }
    await model.close();
  });

  it("computes only what is new when something is added or changed", async () => {
    const out = join(folder, "growing");
    await runStudy(work, { out });
    const grown = await smallStudy(images, {
      models: [vit],
      controls: ["random", "center", "edge", "inverted"],
    });
    const { cells } = await runStudy(grown, { out });
    expect(cells).toEqual({ done: 6 * 2 * 7, total: 6 * 2 * 7, reused: 24 });
    const rows = [...readStudy(out).rows()];
    expect(rows.filter(({ control }) => !control)).toEqual([...plain().rows()]);
    expect([...new Set(rows.map(({ method }) => method))]).toEqual([
      "grad-cam",
      "gradient-rollout",
      "random",
      "center",
      "edge",
      "inverted grad-cam",
      "inverted gradient-rollout",
    ]);
    const { metrics } = grown.declaration;
    const changed = await smallStudy(images, {
      models: [vit],
      metrics: metrics.map((m) => (m.id === "deletion" ? { ...m, spec: "deletion:baseline=mean" } : m)),
    });
    expect((await runStudy(changed, { out })).cells).toEqual({ done: 24, total: 24, reused: 12 });
  });

  it("computes what is damaged again, and says so", async () => {
    const out = join(folder, "damaged");
    await runStudy(work, { out });
    const rows = [...readStudy(out).rows()];
    const files = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".cell"));
    for (const file of files.slice(0, 3)) {
      const bytes = readFileSync(join(out, file));
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 255;
      writeFileSync(join(out, file), bytes);
    }
    const notes: string[] = [];
    await runStudy(work, { out, events: { onNote: (note) => notes.push(note) } });
    expect(notes.filter((note) => /damaged, and are computed again/.test(note))).toHaveLength(3);
    expect([...readStudy(out).rows()]).toEqual(rows);
  });

  it("goes on without what cannot be done, and says why", async () => {
    const { declaration } = work;
    const broken = {
      ...vit,
      id: "broken",
      checkpoints: { noise: { ...vit.checkpoints.noise, path: join(folder, "nothing") } },
    } as typeof vit;
    const declared = {
      ...declaration,
      models: [broken, vit],
      methods: [
        ...declaration.methods,
        { id: "elsewhere", spec: "grad-cam:layer=blocks.77.norm1", parameters: {} },
      ],
    };
    const summary = await runStudy(
      { declaration: declared, plan: work.plan },
      { out: join(folder, "failing") },
    );
    expect(summary.failures.map(({ model, method }) => [model, method])).toEqual([
      ["broken", null],
      ["vit", "elsewhere"],
    ]);
    expect(summary.failures[0]?.reason).toMatch(/broken/);
    expect(summary.failures[1]?.reason).toMatch(/blocks\.77/);
    expect(summary.cells.done).toBe(24);
    const stored = readStudy(join(folder, "failing"));
    expect(stored.failures).toEqual(summary.failures);
    expect([...stored.rows()]).toEqual([...plain().rows()]);
  });

  it("explains the true class where that is asked for, and tells of images that have none", async () => {
    const out = join(folder, "true");
    const declared = await smallStudy(images, { models: [vit], class: "true" });
    const [dataset] = declared.plan.datasets;
    if (dataset === undefined) throw new Error("no data set");
    const [first, ...rest] = dataset.images;
    const renamed = [{ ...first, label: "LABEL_99" }, ...rest] as typeof dataset.images;
    const plan = {
      ...declared.plan,
      datasets: [{ ...dataset, images: renamed, chunks: [renamed.slice(0, 4), renamed.slice(4)] }],
    };
    const summary = await runStudy({ ...declared, plan }, { out });
    expect(summary.failures).toMatchObject([
      { image: first?.name, reason: expect.stringMatching(/LABEL_99/) },
    ]);
    expect(summary.cells).toMatchObject({ done: 20, total: 20 });
    const rows = [...readStudy(out).rows()];
    expect(rows).toHaveLength(20);
    for (const row of rows) expect(row.class).toBe(row.label);
    expect([...readStudy(out).predictions()]).toHaveLength(6);
  });

  it("explains what a model takes for another class by both classes, as far as it is shown", async () => {
    const report = { gallery: 0, misclassified: 2 };
    const out = join(folder, "mistakes");
    const declared = await smallStudy(images, { models: [vit], report });
    await runStudy(declared, { out });
    const study = readStudy(out);
    const wrong = [...study.predictions()].filter(({ correct }) => correct === false);
    expect(wrong.length).toBeGreaterThan(2);
    const model = await openModel(vit.checkpoints.noise?.path ?? "", { threads: 1 });
    const methods = ["grad-cam", "gradient-rollout"].map(methodFromSpec);
    for (const { image, label, predicted } of wrong.slice(0, 2)) {
      const [as, is, ...rest] = study.mistakes("noise", image);
      expect(rest).toEqual([]);
      expect(as).toMatchObject({ explained: "predicted", label: predicted });
      expect(is).toMatchObject({ explained: "true", label });
      const rows = [...study.rows()].filter((row) => row.image === image);
      expect(as?.scores).toEqual(
        rows.map(({ method, metric, score, reason, curve, cell }) => ({
          method,
          metric,
          score,
          reason,
          curve,
          cell,
        })),
      );
      // The true class's maps and scores are those of a study that explains it.
      const planned = declared.plan.datasets[0]?.images.find(({ name }) => name === image);
      const read = { ...(await model.read(planned?.path ?? "")), label: Number(label?.slice(-1)) };
      const { maps } = await model.explain(read, methods, { target: "true" });
      const scores = await model.score(read, maps, ["insertion", "deletion"].map(metricFromSpec), {
        classes: [read.label],
      });
      expect(is?.maps.map(({ method }) => method)).toEqual(["grad-cam", "gradient-rollout"]);
      is?.scores.forEach(({ score }, i) => {
        expect(score).toBeCloseTo(scores[i]?.auc ?? Number.NaN, 6);
      });
    }
    await model.close();
    expect(study.mistakes("noise", wrong[2]?.image ?? "")).toEqual([]);
    const right = [...study.predictions()].find(({ correct }) => correct)?.image;
    if (right !== undefined) expect(study.mistakes("noise", right)).toEqual([]);
    expect((await runStudy(declared, { out })).forwards).toBe(0);
    // None is shown: none is computed, and the study's own results are the same.
    const without = join(folder, "without");
    const none = {
      ...declared,
      declaration: { ...declared.declaration, report: { gallery: 0, misclassified: 0 } },
    };
    await runStudy(none, { out: without });
    expect([...readStudy(without).rows()]).toEqual([...study.rows()]);
    expect(readStudy(without).mistakes("noise", wrong[0]?.image ?? "")).toEqual([]);
  });

  it("shows maps as they are made, and progress to the end", async () => {
    const maps: StudyMap[] = [];
    const told: number[] = [];
    await runStudy(work, {
      out: join(folder, "events"),
      events: { onMap: (map) => maps.push(map), onProgress: ({ cells }) => told.push(cells.done) },
    });
    expect(maps).toHaveLength(12);
    expect(maps[0]?.atImageSize()).toHaveLength(16 * 16);
    expect(told.at(-1)).toBe(24);
  });

  it("ends with the signal's reason, and what was done is kept", async () => {
    const out = join(folder, "aborted");
    const controller = new AbortController();
    const reason = new Error("enough");
    const running = runStudy(work, {
      out,
      signal: controller.signal,
      events: { onMap: () => controller.abort(reason) },
    });
    await expect(running).rejects.toBe(reason);
    expect(readStudy(out).complete).toBe(false);
    const { cells } = await runStudy(work, { out });
    expect(cells.done).toBe(24);
    expect([...readStudy(out).rows()]).toEqual([...plain().rows()]);
  });

  it("says what is wrong where it cannot keep anything, or is told nonsense", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(runStudy(work, { out: join(folder, "file") })).rejects.toThrow(/could not be written/);
    await expect(runStudy(work, { out: folder, workers: 0 })).rejects.toThrow(
      /workers must be a whole number/,
    );
    expect(() => readStudy(join(folder, "images"))).toThrow(/holds no study/);
  });
});

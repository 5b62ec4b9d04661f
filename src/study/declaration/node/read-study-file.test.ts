import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveStudy } from "./read-study-file.js";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vitreous-declaration-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(name: string, text: string): Promise<string> {
  const path = join(root, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

/** A study of these lines; what they name need not exist. */
const resolved = async (text: string, name = "study.yaml") =>
  resolveStudy(await put(name, text), { checkPaths: false });

/** What is said of a study of these lines, file names without their folder. */
async function mistakes(text: string, checkPaths = false): Promise<readonly string[]> {
  const path = await put("study.yaml", text);
  const error = await resolveStudy(path, { checkPaths }).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toHaveProperty("name", "VitreousError");
  return error instanceof Error ? error.message.replaceAll(`${root}/`, "").split("\n") : [];
}

const LEAST = `datasets: { cells: images }
models: { vit: checkpoint }
methods: [grad-cam]
metrics: [insertion]
`;

describe("a study of four lines", () => {
  it("has every default in its record", async () => {
    expect(await resolved(LEAST)).toEqual({
      title: "study",
      seed: 0,
      datasets: [
        {
          id: "cells",
          title: "cells",
          path: join(root, "images"),
          split: null,
          splits: null,
          images: null,
          select: "stratified",
        },
      ],
      models: [
        {
          id: "vit",
          title: "vit",
          checkpoints: {
            cells: {
              path: join(root, "checkpoint"),
              arch: null,
              head: null,
              preprocess: null,
              labels: null,
              imageSize: null,
            },
          },
        },
      ],
      methods: [{ id: "grad-cam", spec: "grad-cam", parameters: { layer: ["auto"] } }],
      metrics: [
        {
          id: "insertion",
          spec: "insertion",
          direction: "higher",
          parameters: { step: "width", baseline: "blur", order: "pixel", ties: 0 },
        },
      ],
      class: "top",
      controls: ["random", "center", "edge", "inverted"],
      statistics: { level: 0.95, resamples: 2000, test: "wilcoxon", alpha: 0.05, power: 0.8 },
      report: { gallery: 6, misclassified: 6 },
      run: { device: "cpu", batch: 8, unit: 8 },
    });
  });

  it("may be JSON as well", async () => {
    const json = JSON.stringify({
      datasets: { cells: "images" },
      models: { vit: "checkpoint" },
      methods: ["grad-cam"],
      metrics: ["insertion"],
    });
    expect(await resolved(json, "study.json")).toEqual(await resolved(LEAST));
  });
});

describe("checkpoints", () => {
  const of = async (models: string) => {
    const { models: made } = await resolved(
      `datasets: { pbc: a, busi: b }\nmodels:\n${models}\nmethods: [rollout]\nmetrics: [deletion]\n`,
    );
    return made.map(({ id, checkpoints }) => [
      id,
      Object.fromEntries(
        Object.entries(checkpoints).map(([dataset, { path, arch }]) => [
          dataset,
          [path.replace(`${root}/`, ""), arch],
        ]),
      ),
    ]);
  };

  it("are one for all data sets, or one for each, and those not named are not run", async () => {
    expect(
      await of("  one: m\n  each: { pbc: p, busi: { path: b, arch: vit_b_16 } }\n  some: { busi: s }"),
    ).toEqual([
      ["one", { pbc: ["m", null], busi: ["m", null] }],
      ["each", { pbc: ["p", null], busi: ["b", "vit_b_16"] }],
      ["some", { busi: ["s", null] }],
    ]);
  });

  it("share what stands beside them", async () => {
    expect(await of("  m: { arch: vit_b_16, pbc: p.pth, busi: { path: b.pth, arch: swin_t } }")).toEqual([
      ["m", { pbc: ["p.pth", "vit_b_16"], busi: ["b.pth", "swin_t"] }],
    ]);
    expect(await of("  m: { path: all.pth, arch: vit_b_16, busi: null }\n  n: x")).toEqual([
      ["m", { pbc: ["all.pth", "vit_b_16"] }],
      ["n", { pbc: ["x", null], busi: ["x", null] }],
    ]);
  });

  it("of the hub keep their names", async () => {
    expect(await of("  m: hf:google/vit@main")).toEqual([
      ["m", { pbc: ["hf:google/vit@main", null], busi: ["hf:google/vit@main", null] }],
    ]);
  });

  it("take an image size in either form", async () => {
    const size = async (text: string) =>
      (await resolved(LEAST.replace("vit: checkpoint", `vit: { path: m, imageSize: ${text} }`))).models[0]
        ?.checkpoints.cells?.imageSize;
    expect(await size("[384, 256]")).toEqual([384, 256]);
    expect(await size("384x256")).toEqual([384, 256]);
    await expect(size("big")).rejects.toThrow(/models\.vit\.imageSize must be height and width/);
  });
});

describe("methods and metrics", () => {
  it("are written as on the command line or in parts, and come out alike", async () => {
    const { methods, metrics } = await resolved(`datasets: { cells: images }
models: { vit: checkpoint }
methods:
  - "gradient-rollout:discard=0.5,fusion=max"
  - name: gradient-rollout
    id: as published
    parameters: { compat: vit-explain }
  - { name: grad-cam, parameters: { layer: [blocks.0.norm1, blocks.1.norm1] } }
metrics:
  - { name: "deletion:step=448", parameters: { baseline: mean } }
`);
    expect(methods.map(({ id, spec }) => [id, spec])).toEqual([
      ["gradient-rollout:fusion=max,discard=0.5", "gradient-rollout:fusion=max,discard=0.5"],
      ["as published", "gradient-rollout:compat=vit-explain"],
      ["grad-cam:layer=blocks.0.norm1+blocks.1.norm1", "grad-cam:layer=blocks.0.norm1+blocks.1.norm1"],
    ]);
    expect(metrics[0]).toMatchObject({
      spec: "deletion:step=448,baseline=mean",
      direction: "lower",
      parameters: { step: 448, baseline: "mean" },
    });
  });
});

describe("controls", () => {
  it.each([
    ["true", ["random", "center", "edge", "inverted"]],
    ["false", []],
    ["[inverted, random]", ["random", "inverted"]],
  ])("written as %s are %j", async (written, read) => {
    expect((await resolved(`${LEAST}controls: ${written}\n`)).controls).toEqual(read);
  });

  it("that there are none of are named", async () => {
    expect(await mistakes(`${LEAST}controls: [blank]\n`)).toEqual([
      expect.stringMatching(/controls must be true, false, or a list of random, center, edge, inverted/),
    ]);
  });
});

describe("a class", () => {
  it.each([
    ["true", "true"],
    ["top", "top"],
    ["3", "3"],
    ["benign-malignant", "benign-malignant"],
  ])("%s is %s", async (written, read) => {
    expect((await resolved(`${LEAST}class: ${written}\n`)).class).toBe(read);
  });
});

describe("a study that extends another one", () => {
  it("keeps what it does not say itself, key by key; a model and a list it replaces whole", async () => {
    await put(
      "base/base.yaml",
      `title: The whole
seed: 7
datasets: { pbc: { path: ../pbc, split: test, images: 80 }, busi: ../busi }
models: { vit: { title: ViT, pbc: vit-pbc, busi: vit-busi }, swin: swin }
methods: [grad-cam, rollout]
metrics: [insertion, deletion]
statistics: { alpha: 0.01 }
`,
    );
    const study = await resolved(`extends: base/base.yaml
title: A small one
datasets: { pbc: { images: 8, split: null } }
models: { vit: { pbc: mine }, swin: null, deit: deit }
methods: [grad-cam]
statistics: { level: 0.9 }
`);
    expect(study).toMatchObject({
      title: "A small one",
      seed: 7,
      datasets: [
        { id: "pbc", path: join(root, "pbc"), images: 8, split: null },
        { id: "busi", path: join(root, "busi") },
      ],
      statistics: { alpha: 0.01, level: 0.9 },
    });
    expect(study.models.map(({ id, title, checkpoints }) => [id, title, Object.keys(checkpoints)])).toEqual([
      ["vit", "vit", ["pbc"]],
      ["deit", "deit", ["pbc", "busi"]],
    ]);
    expect(study.models[0]?.checkpoints.pbc?.path).toBe(join(root, "mine"));
    expect(study.methods.map(({ id }) => id)).toEqual(["grad-cam"]);
    expect(study.metrics).toHaveLength(2);
  });

  it("places a mistake in the file that made it", async () => {
    await put("base.yaml", `${LEAST.replace("grad-cam", "grad-kam")}`);
    expect(await mistakes("extends: base.yaml\nmetrics:\n  - insertion:stop=3\n")).toEqual([
      "base.yaml:3:11: methods.0 is no method: there are grad-cam, gradient-rollout, rollout",
      expect.stringMatching(/^study\.yaml:3:5: metrics\.0 insertion: there is no parameter stop/),
    ]);
  });

  it("is refused when it goes in a circle, or extends what is not there", async () => {
    await put("a.yaml", "extends: b.yaml\n");
    await put("b.yaml", "extends: study.yaml\n");
    expect(await mistakes("title: x\nextends: a.yaml\n")).toEqual([
      "b.yaml:1:10: extends goes in a circle: study.yaml → a.yaml → b.yaml → study.yaml",
    ]);
    expect(await mistakes("title: x\nextends: none.yaml\n")).toEqual([
      "study.yaml:2:10: extends cannot be read: none.yaml does not exist.",
    ]);
  });
});

describe("mistakes name file, line, column and key, and what to do", () => {
  it("all at once", async () => {
    expect(
      await mistakes(`datasets:
  cells:
    path: images
    imges: 3
    images: many
models: { vit: [1] }
methods: grad-cam
metrics: [insertion]
run: { batch: 0 }
`),
    ).toEqual([
      "study.yaml:5:13: datasets.cells.images must be a whole number, at least 1",
      "study.yaml:4:5: datasets.cells.imges is not known: datasets.cells must be a path, or keys: title, path, split, splits, images, select",
      "study.yaml:6:16: models.vit must be a path, or a path for each data set",
      "study.yaml:7:10: methods must be a list of methods",
      "study.yaml:9:15: run.batch must be a whole number, from 1 to 1024",
    ]);
  });

  it("of a key that there is not", async () => {
    expect(await mistakes(`${LEAST}metric: [deletion]\n`)).toEqual([
      expect.stringMatching(/^study\.yaml:5:1: metric is not known: a study must be keys: extends, title/),
    ]);
  });

  it.each([
    ["a: [1", "study.yaml:1:6: Flow sequence in block collection must be"],
    ["a: 1\na: 2", "study.yaml:2:1: Map keys must be unique"],
    ["title: *x", "study.yaml:1:8: there is no anchor &x before *x"],
    ["title: x\n---\ntitle: y", "study.yaml:2:1: a second document begins"],
    ["title: !secret x", "study.yaml:1:8: Unresolved tag: !secret"],
    ["", "study.yaml:1:1: a study is a list of keys"],
    ["- grad-cam", "study.yaml:1:1: a study is a list of keys"],
    ["only text", "study.yaml:1:1: a study is a list of keys"],
  ])("of what is no study: %j", async (text, message) => {
    expect((await mistakes(text))[0]).toContain(message);
  });

  it("of what is lacking", async () => {
    expect(await mistakes("title: x\n")).toEqual([
      expect.stringMatching(/^study\.yaml:1:1: says no data set/),
      expect.stringMatching(/says no model/),
      expect.stringMatching(/says no methods/),
      expect.stringMatching(/says no metrics/),
    ]);
    expect(
      await mistakes(`datasets: { a: { images: 3 }, b: x }
models: { vit: { b: { arch: vit_b_16 } }, deit: { arch: y } }
methods: [rollout]
metrics: [deletion]
`),
    ).toEqual([
      'study.yaml:1:16: datasets.a lacks "path", the folder of its images or its manifest.csv',
      'study.yaml:2:21: models.vit.b lacks "path", its checkpoint',
      expect.stringMatching(/^study\.yaml:2:49: models\.deit has no checkpoint: give a path/),
    ]);
  });

  it("of a data set that nothing is run on", async () => {
    expect(
      await mistakes(
        LEAST.replace("cells: images", "cells: a, others: b").replace("checkpoint", "{ cells: m }"),
      ),
    ).toEqual(["study.yaml:1:31: datasets.others is a data set that no model has a checkpoint for"]);
  });

  it("of names that mean nothing, or the same", async () => {
    expect(
      await mistakes(`datasets: { cells: a, path: b, "x/y": c }
models: { vit: { cels: m } }
methods: [rollout, "rollout", { name: grad-cam, id: rollout }]
metrics: [deletion]
`),
    ).toEqual([
      expect.stringMatching(/^study\.yaml:1:29: datasets\.path cannot be a data set's name/),
      expect.stringMatching(/^study\.yaml:1:39: datasets\.x\/y is no name for tables and files/),
      expect.stringMatching(
        /^study\.yaml:2:24: models\.vit\.cels is neither a key of models .* nor a data set \(cells, path, x\/y\)$/,
      ),
      "study.yaml:3:20: methods.1 is the same as one before it: rollout",
      'study.yaml:3:31: methods.2 has the id "rollout", as one before it; give it another',
    ]);
  });

  it("of files that are not there", async () => {
    await mkdir(join(root, "images"));
    expect(
      await mistakes(
        `datasets:
  cells: { path: images, splits: run/splits.json }
models:
  vit: checkpoint
  swin: { cells: { path: images, labels: names.txt } }
methods: [grad-cam]
metrics: [insertion]
`,
        true,
      ),
    ).toEqual([
      "study.yaml:2:34: datasets.cells.splits does not exist: run/splits.json",
      "study.yaml:4:8: models.vit does not exist: checkpoint",
      "study.yaml:5:42: models.swin.cells.labels does not exist: names.txt",
    ]);
  });

  it("of a file that is no text, or is not there", async () => {
    const path = join(root, "study.yaml");
    await expect(resolveStudy(path)).rejects.toThrow(/study\.yaml does not exist/);
    await writeFile(path, new Uint8Array([0xff, 0xfe, 0x00]));
    await expect(resolveStudy(path)).rejects.toThrow(/is not UTF-8 text/);
  });
});

/** @file `vitreous explain`: a map for each image and method, as overlay, array and record. */

import { basename, join } from "node:path";
import { Command } from "commander";
import type { ModelImage } from "../api/image.js";
import type { NodeModel } from "../api/node/node-model.js";
import { openModel } from "../api/node/open.js";
import type { Prediction } from "../api/prediction.js";
import { parseTarget, type TargetChoice } from "../api/target.js";
import type { Explanation, ExplanationMap } from "../api/types.js";
import { minMax } from "../explain/map.js";
import type { Method } from "../explain/method.js";
import { methodFromSpec } from "../explain/registry.js";
import { makeFolder, writeFileAtomic } from "../imaging/node/atomic.js";
import { type RecordFile, recordFile } from "../imaging/node/partial-file.js";
import { overlayPng } from "../imaging/node/png.js";
import { writeNpy } from "../imaging/npy.js";
import { VitreousError } from "../onnx/errors.js";
import { VERSION } from "../version.js";
import { showingDownload } from "./download.js";
import { methodFileNames } from "./file-names.js";
import { percent, plural, shortNames, table } from "./format.js";
import {
  type ImageList,
  listImages,
  preparationWarnings,
  readImages,
  reportFailures,
  trackNames,
} from "./images.js";
import { prettyJson } from "./json.js";
import {
  type CommandContext,
  type ImageOptions,
  openOptions,
  withBatch,
  withImageOptions,
  withModelOptions,
} from "./options.js";
import { checkMethods, classRecord, classText, modelRecord } from "./records.js";
import { UsageError, usage } from "./usage.js";

interface ExplainOptions extends ImageOptions {
  readonly format: string;
}

const FORMATS = ["png", "npy", "json"] as const;
type Format = (typeof FORMATS)[number];

export function explainCommand(context: CommandContext): Command {
  return withBatch(withModelOptions(withFormat(withImageOptions(new Command("explain")))))
    .description("Write a heat map for each image and method, and explain.json with everything about them.")
    .addHelpText(
      "after",
      `
Examples:
  vitreous explain model.onnx scan.png --method grad-cam --out maps
  vitreous explain model.onnx images/ --method grad-cam gradient-rollout:discard=0.5 --format png,npy --out maps
  vitreous explain model.onnx scan.png --method grad-cam:layer=blocks.10.norm1 --class malignant-benign --out maps`,
    )
    .action((model: string, images: readonly string[], options: ExplainOptions) =>
      explain(model, images, options, context),
    );
}

const withFormat = (command: Command): Command =>
  command.option("--format <list>", "any of png,npy,json; explain.json is always written", "png,json");

interface Plan {
  readonly specs: readonly string[];
  readonly methods: readonly Method[];
  /** What the methods are called in file names. */
  readonly fileNames: readonly string[];
  readonly formats: ReadonlySet<Format>;
  readonly folder: string;
}

/** What is printed of an image. */
interface Row {
  readonly image: string;
  readonly prediction: Prediction | undefined;
  readonly class: string;
  readonly files: readonly string[];
}

async function explain(
  path: string,
  imagePaths: readonly string[],
  options: ExplainOptions,
  context: CommandContext,
): Promise<void> {
  const say = context.terminal(options.quiet ?? false);
  const plan = readPlan(options);
  const list = await listImages(imagePaths, options.out);
  const model = await showingDownload(say, context, (told) =>
    openModel(path, { ...openOptions(options), ...told }),
  );
  try {
    for (const note of model.notes) say.note(note);
    for (const warning of preparationWarnings(model, list)) say.note(`warning: ${warning}`);
    for (const note of list.notes) say.note(`note: ${note}`);
    const target = usage(() => parseTarget(options.class, model.facts.labels));
    checkMethods(model, plan.methods);
    await makeFolder(options.out);
    const record = await recordFile(join(options.out, "explain.json"), header(model, options), "images");
    const rows: Row[] = [];
    const progress = say.progress("explaining", list.count);
    const { signal } = context;
    try {
      for await (const row of explainImages(model, list, target, plan, record, options, signal)) {
        rows.push(row);
        progress.update(rows.length);
      }
      await record.finish({ failed: list.failed });
    } catch (error) {
      // Interrupted: what is done is kept, and the record of it ends well.
      if (!signal.aborted) throw error;
      progress.done();
      if (rows.length === 0) throw new VitreousError("interrupted before an image was done");
      await record.finish({ failed: list.failed, interrupted: true });
      say.error(`interrupted: ${rows.length} of ${list.count} images are done, in ${options.out}`);
    } finally {
      progress.done();
      await record.discard();
    }
    if (options.json) say.result(prettyJson({ out: options.out, images: rows, failed: list.failed }));
    else if (!options.quiet && rows.length > 0) say.result(explainTable(rows));
    reportFailures(list.failed, say.error);
    if (!signal.aborted) say.note(summaryLine(rows, options.out));
    if (list.failed.length > 0 || signal.aborted) context.done(1);
  } finally {
    await model.close();
  }
}

function readPlan(options: ExplainOptions): Plan {
  const specs = [...new Set(options.method ?? ["grad-cam"])];
  return {
    specs,
    methods: specs.map((spec) => usage(() => methodFromSpec(spec))),
    fileNames: methodFileNames(specs),
    formats: parseFormats(options.format),
    folder: options.out,
  };
}

function parseFormats(text: string): ReadonlySet<Format> {
  const wanted = text.split(/[\s,]+/).filter((f) => f !== "");
  const unknown = wanted.find((f) => !FORMATS.some((k) => k === f));
  if (unknown !== undefined || wanted.length === 0)
    throw new UsageError(`--format: there is no format "${unknown ?? ""}"; there are: ${FORMATS.join(", ")}`);
  return new Set(FORMATS.filter((f) => wanted.includes(f)));
}

const header = (model: NodeModel, options: ExplainOptions) => ({
  version: VERSION,
  model: modelRecord(model),
  preprocessing: model.preprocessing,
  class: options.class,
});

async function* explainImages(
  model: NodeModel,
  list: ImageList,
  target: TargetChoice,
  plan: Plan,
  record: RecordFile,
  { batch }: ExplainOptions,
  signal: AbortSignal,
): AsyncGenerator<Row> {
  const named = trackNames(readImages(model, list, { signal, labelled: target === "true" }));
  const settings = { target, signal, ...(batch === undefined ? {} : { batch }) };
  const { labels } = model.facts;
  for await (const explanation of model.explainAll(named.images, plan.methods, settings)) {
    const { stem } = named.take(explanation.image);
    const explained = explanation.target;
    const maps = [];
    for (const [m, map] of explanation.maps.entries()) {
      const files = await writeMap(map, explanation.image, m, stem, plan);
      const method = plan.specs[m] ?? map.method;
      maps.push(mapRecord(map, method, explained && classRecord(explained, labels), files));
    }
    await record.add(imageRecord(explanation, maps, labels));
    yield {
      image: explanation.image.name,
      prediction: explanation.predictions[0],
      class: explained === undefined ? "" : classText(explained, labels),
      files: maps.flatMap(({ files }) => Object.values(files)),
    };
  }
  signal.throwIfAborted();
}

/** Writes the wanted files of one map and gives their names by format. */
async function writeMap(
  map: ExplanationMap,
  image: ModelImage,
  m: number,
  stem: string,
  { specs, fileNames, formats, folder }: Plan,
): Promise<Readonly<Record<string, string>>> {
  const { display, tensor, name } = image;
  const files: Record<string, string> = {};
  const values = map.atImageSize();
  const base = `${stem}.${fileNames[m] ?? map.method}`;
  if (formats.has("npy")) {
    files.npy = `${base}.npy`;
    await writeFileAtomic(join(folder, files.npy), writeNpy(values, [tensor.height, tensor.width]));
  }
  if (formats.has("png") && display !== undefined) {
    files.png = `${base}.png`;
    const png = await overlayPng(display, minMax(values), {
      title: specs[m] ?? map.method,
      subtitle: basename(name),
    });
    await writeFileAtomic(join(folder, files.png), png);
  }
  return files;
}

function mapRecord(
  map: ExplanationMap,
  method: string,
  explained: ReturnType<typeof classRecord> | undefined,
  files: Readonly<Record<string, string>>,
) {
  const { grid, parameters, values } = map;
  const [rows, columns] = grid;
  const row = (i: number): readonly number[] => Array.from(values.subarray(i * columns, (i + 1) * columns));
  return {
    method,
    parameters,
    class: explained ?? null,
    grid,
    values: Array.from({ length: rows }, (_, i) => row(i)),
    files,
  };
}

function imageRecord(explanation: Explanation, maps: readonly object[], labels: readonly string[]) {
  const { image, predictions, logits } = explanation;
  return {
    image: image.name,
    sha256: image.sha256,
    ...(image.label === undefined ? {} : { label: classRecord({ index: image.label }, labels) }),
    predictions,
    logits: Array.from(logits),
    maps,
  };
}

function explainTable(rows: readonly Row[]): string {
  const names = shortNames(rows.map((r) => r.image));
  const cells = rows.map(({ prediction, class: explained }, i) => [
    names[i] ?? "",
    prediction?.label ?? "",
    prediction === undefined ? "" : percent(prediction.probability),
    explained,
  ]);
  return table([["image", "prediction", "probability", "explained"], ...cells]);
}

function summaryLine(rows: readonly Row[], folder: string): string {
  const files = rows.reduce((sum, r) => sum + r.files.length, 0);
  const written = files === 0 ? "explain.json" : `${plural(files, "map file")} and explain.json`;
  return `${plural(rows.length, "image")} explained; ${written} in ${folder}`;
}

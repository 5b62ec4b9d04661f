/** @file `vitreous explain`: a map for each image and method, as overlay, array and record. */
import { join } from "node:path";
import { Command } from "commander";
import type { ModelImage } from "../api/image.js";
import { openModel } from "../api/node/open.js";
import type { Explanation, ExplanationMap } from "../api/opened.js";
import { parseTarget } from "../api/target.js";
import { methodFromSpec } from "../explain/registry.js";
import { makeFolder, writeFileAtomic } from "../imaging/node/atomic.js";
import { overlayPng } from "../imaging/node/png.js";
import { writeNpy } from "../imaging/npy.js";
import { VERSION } from "../version.js";
import { percent, table } from "./format.js";
import { listImages, type NamedImage, readImages, reportFailures } from "./images.js";
import {
  type CommandContext,
  collect,
  type ModelOptions,
  openOptions,
  withBatch,
  withModelOptions,
} from "./options.js";
import { recordFile } from "./partial-file.js";
import { classRecord, fileSafe, modelRecord } from "./records.js";
import { terminal } from "./terminal.js";
import { UsageError, usage } from "./usage.js";

interface ExplainCliOptions extends ModelOptions {
  readonly method?: readonly string[];
  readonly out: string;
  readonly format: string;
  readonly class: string;
}

const FORMATS = ["png", "npy", "json"] as const;
type Format = (typeof FORMATS)[number];

export function explainCommand(context: CommandContext): Command {
  return withBatch(withModelOptions(new Command("explain")))
    .description("Write a heat map for each image and method, and explain.json with everything about them.")
    .argument("<model>", "an .onnx file, or a folder with config.json and model.safetensors")
    .argument("<images...>", "image files, .npy tensors, or folders (searched recursively)")
    .option("--method <name>", "grad-cam, gradient-rollout, rollout; may be repeated", collect)
    .requiredOption("--out <folder>", "where to write")
    .option("--format <list>", "any of png,npy,json", "png,json")
    .option("--class <class>", "top, an index, a label, true, or A-B", "top")
    .addHelpText(
      "after",
      `
Examples:
  vitreous explain model.onnx scan.png --method grad-cam --out maps
  vitreous explain model.onnx images/ --method grad-cam --method gradient-rollout:discard=0.5 --out maps
  vitreous explain model.onnx scan.png --method grad-cam:layer=blocks.10.norm1 --class malignant-benign --out maps`,
    )
    .action((model: string, images: readonly string[], options: ExplainCliOptions) =>
      explain(model, images, options, context),
    );
}

async function explain(
  path: string,
  imagePaths: readonly string[],
  options: ExplainCliOptions,
  { signal, done }: CommandContext,
): Promise<void> {
  const say = terminal({ quiet: options.quiet ?? false }, { out: process.stdout, err: process.stderr });
  const specs = [...new Set(options.method ?? ["grad-cam"])];
  const methods = specs.map((spec) => usage(() => methodFromSpec(spec)));
  const formats = usage(() => parseFormats(options.format));
  const list = await listImages(imagePaths);
  const { failed } = list;
  const model = await openModel(path, openOptions(options));
  try {
    for (const warning of model.warnings) say.note(`warning: ${warning}`);
    for (const note of list.notes) say.note(`note: ${note}`);
    const target = usage(() => parseTarget(options.class, model.facts.labels));
    await makeFolder(options.out);
    const record = await recordFile(
      join(options.out, "explain.json"),
      {
        version: VERSION,
        model: modelRecord(model),
        preprocessing: model.preprocessing,
        class: options.class,
      },
      "images",
    );
    const progress = say.progress("explaining", list.count);
    const rows: string[][] = [["image", "prediction", "probability", "explained"]];
    const stems = new Map<ModelImage, string>();
    let count = 0;
    try {
      const images = imagesOf(readImages(model, list, signal), stems);
      const settings = { target, signal, ...(options.batch ? { batch: options.batch } : {}) };
      for await (const explanation of model.explainAll(images, methods, settings)) {
        const { image } = explanation;
        const stem = stems.get(image) ?? "image";
        stems.delete(image);
        const maps = [];
        for (const [m, map] of explanation.maps.entries()) {
          const spec = specs[m] ?? map.method;
          const written = await writeMap({ map, explanation, spec, stem, formats, folder: options.out });
          maps.push(mapRecord(map, spec, explanation, written, model.facts.labels));
        }
        await record.add(imageRecord(explanation, maps));
        const [top] = explanation.predictions;
        const { label } = classRecord(explanation.target, model.facts.labels);
        if (!options.json && !options.quiet)
          rows.push([image.name, top?.label ?? "", percent(top?.probability ?? 0), label]);
        progress.update(++count);
      }
    } catch (error) {
      // Interrupted: what is done is kept, and the record of it ends well.
      if (!signal.aborted) {
        await record.discard();
        throw error;
      }
    } finally {
      progress.done();
    }
    if (formats.has("json"))
      await record.finish({ failed, ...(signal.aborted ? { interrupted: true } : {}) });
    else await record.discard();
    if (options.json) say.result(JSON.stringify({ images: count, failed: failed.length, out: options.out }));
    else if (!options.quiet) say.result(table(rows));
    reportFailures(failed, say.error);
    if (signal.aborted)
      say.error(`interrupted: ${count} of ${list.count} images are done and written to ${options.out}`);
    else say.note(`${count} images, ${count * methods.length} maps in ${options.out}`);
    if (failed.length > 0 || signal.aborted || count === 0) done(1);
  } finally {
    await model.close();
  }
}

function parseFormats(text: string): ReadonlySet<Format> {
  const wanted = text.split(",").map((f) => f.trim());
  const known = FORMATS.filter((f) => wanted.includes(f));
  const unknown = wanted.find((f) => !FORMATS.some((k) => k === f));
  if (unknown !== undefined)
    throw new UsageError(`--format: there is no format "${unknown}"; there are: ${FORMATS.join(", ")}`);
  return new Set(known);
}

async function* imagesOf(
  named: AsyncIterable<NamedImage>,
  stems: Map<ModelImage, string>,
): AsyncGenerator<ModelImage> {
  for await (const { image, stem } of named) {
    stems.set(image, stem);
    yield image;
  }
}

interface MapToWrite {
  readonly map: ExplanationMap;
  readonly explanation: Explanation;
  readonly spec: string;
  readonly stem: string;
  readonly formats: ReadonlySet<Format>;
  readonly folder: string;
}

/** Writes the wanted files and gives their names by format. */
async function writeMap({
  map,
  explanation,
  spec,
  stem,
  formats,
  folder,
}: MapToWrite): Promise<Record<string, string>> {
  const { display, tensor } = explanation.image;
  const files: Record<string, string> = {};
  const values = map.atImageSize();
  const base = `${stem}.${fileSafe(spec)}`;
  const size = { width: tensor.width, height: tensor.height };
  if (formats.has("npy")) {
    files.npy = `${base}.npy`;
    await writeFileAtomic(join(folder, files.npy), writeNpy(values, [size.height, size.width]));
  }
  if (formats.has("png") && display !== undefined) {
    files.png = `${base}.png`;
    await writeFileAtomic(
      join(folder, files.png),
      await overlayPng(display, values, { title: spec, subtitle: explanation.image.name }),
    );
  }
  return files;
}

function mapRecord(
  map: ExplanationMap,
  method: string,
  explanation: Explanation,
  files: Readonly<Record<string, string>>,
  labels: readonly string[],
) {
  const [rows, columns] = map.grid;
  return {
    method,
    parameters: map.parameters,
    class: classRecord(explanation.target, labels),
    grid: map.grid,
    values: Array.from({ length: rows }, (_, i) =>
      Array.from(map.values.subarray(i * columns, (i + 1) * columns)),
    ),
    files,
  };
}

function imageRecord({ image, predictions, logits }: Explanation, maps: readonly object[]) {
  return { image: image.name, sha256: image.sha256, predictions, logits: Array.from(logits), maps };
}

/** @file `vitreous evaluate`: how faithful maps are, image by image and in the mean, with controls beside them. */
import { join } from "node:path";
import { Command } from "commander";
import type { NodeModel } from "../api/node/node-model.js";
import { openModel } from "../api/node/open.js";
import type { ScoredImage, ScoreItem } from "../api/opened.js";
import { parseTarget, type TargetChoice } from "../api/target.js";
import type { Method } from "../explain/method.js";
import { methodFromSpec } from "../explain/registry.js";
import { makeFolder, writeFileAtomic } from "../imaging/node/atomic.js";
import type { Metric } from "../metrics/metric.js";
import { metricFromSpec } from "../metrics/registry.js";
import { VitreousError } from "../onnx/errors.js";
import { VERSION } from "../version.js";
import { type Candidate, controlsFor } from "./candidates.js";
import { table } from "./format.js";
import { type ImageList, listImages, type NamedImage, readImages, reportFailures } from "./images.js";
import { type MapFolder, openMapFolder, readMap } from "./maps.js";
import {
  type CommandContext,
  collect,
  type ModelOptions,
  openOptions,
  seedNumber,
  withBatch,
  withModelOptions,
} from "./options.js";
import { modelRecord } from "./records.js";
import { openResults, type ScoredSubject } from "./results.js";
import { sheetBuilder } from "./sheet.js";
import type { SummaryRow } from "./summary.js";
import { terminal } from "./terminal.js";
import { UsageError, usage } from "./usage.js";

interface EvaluateCliOptions extends ModelOptions {
  readonly method?: readonly string[];
  readonly metric?: readonly string[];
  readonly maps?: string;
  readonly controls?: boolean;
  readonly sheet?: boolean;
  readonly seed: number;
  readonly out: string;
  readonly class: string;
}

export function evaluateCommand(context: CommandContext): Command {
  return withBatch(withModelOptions(new Command("evaluate")))
    .description("Score how faithful maps are: results.json, scores.csv, means with intervals.")
    .argument("<model>", "an .onnx file, or a folder with config.json and model.safetensors")
    .argument("<images...>", "image files, .npy tensors, or folders (searched recursively)")
    .option("--method <name>", "grad-cam, gradient-rollout, rollout; may be repeated", collect)
    .option("--metric <name>", "insertion, deletion; may be repeated (default: both)", collect)
    .option("--maps <folder>", "score maps made elsewhere: <stem>.npy or <stem>.<name>.npy, [H,W]")
    .option("--controls", "also score random, center, edge and inverted maps")
    .option("--class <class>", "top, an index, a label, true, or A-B (A's probability is followed)", "top")
    .option("--seed <n>", "for random controls, baselines, tie orders and intervals", seedNumber, 0)
    .option("--sheet", "also write contact-sheet.html: images, maps and curves on one page")
    .requiredOption("--out <folder>", "where to write")
    .addHelpText(
      "after",
      `
Examples:
  vitreous evaluate model.onnx images/ --method grad-cam --metric insertion --metric deletion --out scores
  vitreous evaluate model.onnx images/ --method gradient-rollout --metric insertion:step=1792 --controls --sheet --out scores
  vitreous evaluate model.onnx images/ --maps my-maps --out scores`,
    )
    .action((model: string, images: readonly string[], options: EvaluateCliOptions) =>
      evaluate(model, images, options, context),
    );
}

interface Plan {
  readonly specs: readonly string[];
  readonly methods: readonly Method[];
  readonly metricSpecs: readonly string[];
  readonly metrics: readonly Metric[];
}

async function evaluate(
  path: string,
  imagePaths: readonly string[],
  options: EvaluateCliOptions,
  { signal, done }: CommandContext,
): Promise<void> {
  const say = terminal({ quiet: options.quiet ?? false }, { out: process.stdout, err: process.stderr });
  const plan = readPlan(options);
  const maps = options.maps === undefined ? undefined : await openMapFolder(options.maps);
  const list = await listImages(imagePaths);
  const model = await openModel(path, { ...openOptions(options), seed: options.seed });
  try {
    for (const warning of model.warnings) say.note(`warning: ${warning}`);
    for (const note of list.notes) say.note(`note: ${note}`);
    const target = usage(() => parseTarget(options.class, model.facts.labels));
    await makeFolder(options.out);
    const protocol = protocolRecord(model, plan, options);
    const results = await openResults(options.out, { version: VERSION, model: modelRecord(model), protocol });
    const sheet = options.sheet ? sheetBuilder(model, plan.specs) : undefined;
    const progress = say.progress("scoring", list.count);
    let forwards = 0;
    let count = 0;
    try {
      const subjects = new Map<ScoreItem, ScoredSubject>();
      const items = scoreItems({ model, plan, list, maps, target, options, signal, subjects });
      const settings = {
        signal,
        ...(options.batch ? { batch: options.batch } : {}),
        onProgress: (inputs: number) => {
          forwards = inputs;
          progress.update(count, `${forwards} forwards`);
        },
      };
      for await (const scored of model.scoreAll(items, plan.metrics, settings)) {
        const subject = take(subjects, scored);
        await results.add(subject, scored, model.facts.labels, plan.metricSpecs);
        await sheet?.add(subject, scored, plan.metricSpecs);
        progress.update(++count, `${forwards} forwards`);
      }
    } catch (error) {
      // Interrupted: what is done is kept, and the files end well.
      if (!signal.aborted) {
        await results.discard();
        throw error;
      }
    } finally {
      progress.done();
    }
    const rows = await results.finish(list.failed, options.seed, signal.aborted);
    if (sheet !== undefined) {
      await writeFileAtomic(join(options.out, "contact-sheet.html"), await sheet.html(rows, protocol.facts));
    }
    if (options.json) say.result(JSON.stringify(rows, null, 2));
    else if (!options.quiet && rows.length > 0) say.result(summaryTable(rows));
    reportFailures(list.failed, say.error);
    if (signal.aborted)
      say.error(`interrupted: ${count} of ${list.count} images are scored and written to ${options.out}`);
    else say.note(`${count} images, ${forwards} forward passes; results in ${options.out}`);
    if (list.failed.length > 0 || signal.aborted || count === 0) done(1);
  } finally {
    await model.close();
  }
}

function readPlan(options: EvaluateCliOptions): Plan {
  const specs = [...new Set(options.method ?? [])];
  if (specs.length === 0 && options.maps === undefined && !options.controls) {
    throw new UsageError("nothing to score: name a --method, a --maps folder, or --controls");
  }
  const metricSpecs = [...new Set(options.metric ?? ["insertion", "deletion"])];
  return {
    specs,
    methods: specs.map((spec) => usage(() => methodFromSpec(spec))),
    metricSpecs,
    metrics: metricSpecs.map((spec) => usage(() => metricFromSpec(spec))),
  };
}

interface ItemSource {
  readonly model: NodeModel;
  readonly plan: Plan;
  readonly list: ImageList;
  readonly maps: MapFolder | undefined;
  readonly target: TargetChoice;
  readonly options: EvaluateCliOptions;
  readonly signal: AbortSignal;
  /** What belongs to each item, until it comes back scored. */
  readonly subjects: Map<ScoreItem, ScoredSubject>;
}

/** Each image with its maps, explained in batches as the scoring asks for more. */
async function* scoreItems(source: ItemSource): AsyncGenerator<ScoreItem> {
  const { model, plan, list, maps, target, options, signal, subjects } = source;
  const named = new Map<object, NamedImage>();
  const images = async function* () {
    for await (const item of readImages(model, list, signal)) {
      named.set(item.image, item);
      yield item.image;
    }
  };
  const settings = { target, signal, ...(options.batch ? { batch: options.batch } : {}) };
  const explained = plan.methods.length > 0 ? model.explainAll(images(), plan.methods, settings) : undefined;
  let index = 0;
  for await (const next of explained ?? images()) {
    const explanation = "maps" in next ? next : undefined;
    const image = "maps" in next ? next.image : next;
    const item = named.get(image);
    if (item === undefined) throw new RangeError("an image that was never read");
    named.delete(image);
    const { height, width } = image.tensor;
    const own: Candidate[] = (explanation?.maps ?? []).map((map, m) => ({
      method: plan.specs[m] ?? map.method,
      values: map.atImageSize(),
      control: false,
    }));
    own.push(...(await outsideMaps(maps, item, [height, width], list)));
    const controls = options.controls ? controlsFor(image.tensor, own, model.facts.seed, index) : [];
    const candidates = [...own, ...controls];
    index++;
    if (candidates.length === 0) continue;
    const primary = explanation?.target.index ?? givenClass(target, image.label);
    const classes = primary === undefined ? undefined : [...new Set([primary, image.label ?? primary])];
    const scoreItem: ScoreItem = {
      image,
      maps: candidates,
      ...(classes === undefined ? {} : { classes }),
      ...(explanation === undefined ? {} : { logits: explanation.logits }),
    };
    subjects.set(scoreItem, { ...item, candidates, explanation });
    yield scoreItem;
  }
}

function givenClass(target: TargetChoice, label: number | undefined): number | undefined {
  if (target === "top") return undefined;
  if (target === "true") {
    if (label === undefined)
      throw new VitreousError('class "true" needs labelled data, and an image has no label');
    return label;
  }
  return typeof target === "number" ? target : target.plus;
}

/** Maps of `--maps` for one image; what cannot be used is listed as failed. */
async function outsideMaps(
  maps: MapFolder | undefined,
  { stem, image }: NamedImage,
  size: readonly [number, number],
  { failed }: ImageList,
): Promise<readonly Candidate[]> {
  if (maps === undefined) return [];
  const files = maps.mapsOf(stem);
  if (files.length === 0)
    failed.push({ image: image.name, error: `there is no map ${stem}.npy or ${stem}.<name>.npy` });
  const read: Candidate[] = [];
  for (const file of files) {
    try {
      read.push({ ...(await readMap(file, size)), control: false });
    } catch (error) {
      if (!(error instanceof VitreousError)) throw error;
      failed.push({ image: image.name, error: error.message });
    }
  }
  return read;
}

function take(subjects: Map<ScoreItem, ScoredSubject>, scored: ScoredImage): ScoredSubject {
  const subject = subjects.get(scored.item);
  if (subject === undefined) throw new RangeError("a score of an item that was never asked for");
  subjects.delete(scored.item);
  return subject;
}

function protocolRecord(model: NodeModel, plan: Plan, options: EvaluateCliOptions) {
  const methods = plan.methods.map((method, i) => ({
    method: plan.specs[i],
    parameters: method.resolve(model.anatomy),
    citation: method.citation,
  }));
  const metrics = plan.metrics.map(({ parameters, direction, citation }, i) => ({
    metric: plan.metricSpecs[i],
    parameters,
    direction,
    citation,
  }));
  return {
    class: options.class,
    score: "softmax probability of the class",
    methods,
    metrics,
    controls: options.controls ?? false,
    maps: options.maps ?? null,
    preprocessing: model.preprocessing,
    intervals: { method: "BCa bootstrap of the mean by group", level: 0.95, resamples: 2000 },
    seed: options.seed,
    device: options.device,
    facts: [model.facts.name, `${model.anatomy.family}, ${model.anatomy.output.classes} classes`],
  };
}

function summaryTable(rows: readonly SummaryRow[]): string {
  const metrics = [...new Map(rows.map((r) => [r.metric, r.direction]))];
  const maps = [...new Map(rows.map((r) => [JSON.stringify([r.method, r.of]), r])).values()];
  const cell = (row: SummaryRow, metric: string): string => {
    const found = rows.find((r) => r.method === row.method && r.of === row.of && r.metric === metric);
    if (found?.mean === undefined) return "–";
    const ci = found.ci === undefined ? "" : ` [${found.ci.map((v) => v.toFixed(3)).join(", ")}]`;
    return `${found.mean.toFixed(4)}${ci}`;
  };
  const heading = ["map", ...metrics.map(([m, d]) => `${m} (${d} is better)`), "n"];
  return table([
    heading,
    ...maps.map((row) => [
      row.of === undefined ? row.method : `${row.method} ${row.of}`,
      ...metrics.map(([m]) => cell(row, m)),
      String(row.n),
    ]),
  ]);
}

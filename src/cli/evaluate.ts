/** @file `vitreous evaluate`: how faithful maps are, image by image and in the mean, with controls beside them. */
import { basename, join } from "node:path";
import { Command } from "commander";
import type { NodeModel } from "../api/node/node-model.js";
import { openModel } from "../api/node/open.js";
import { parseTarget, type TargetChoice } from "../api/target.js";
import type { ScoredImage, ScoreItem } from "../api/types.js";
import type { Method } from "../explain/method.js";
import { methodFromSpec } from "../explain/registry.js";
import { makeFolder, writeFileAtomic } from "../imaging/node/atomic.js";
import type { Metric } from "../metrics/metric.js";
import { METRICS, metricFromSpec } from "../metrics/registry.js";
import { VitreousError } from "../onnx/errors.js";
import { mix } from "../random.js";
import { VERSION } from "../version.js";
import { type Candidate, controlsFor } from "./candidates.js";
import { showingDownload } from "./download.js";
import { plural, table } from "./format.js";
import {
  type ImageList,
  listImages,
  type NamedImage,
  preparationWarnings,
  readImages,
  reportFailures,
  trackNames,
} from "./images.js";
import { prettyJson } from "./json.js";
import { type MapFolder, openMapFolder, readMap } from "./maps.js";
import {
  type CommandContext,
  collect,
  type ImageOptions,
  openOptions,
  seedNumber,
  withBatch,
  withImageOptions,
  withModelOptions,
} from "./options.js";
import { checkClasses, checkMethods, modelRecord } from "./records.js";
import { openResults, type Results, type ScoredSubject } from "./results.js";
import { type SheetBuilder, sheetBuilder } from "./sheet.js";
import { INTERVALS, type SummaryRow } from "./summary.js";
import type { Progress } from "./terminal.js";
import { UsageError, usage } from "./usage.js";

interface EvaluateOptions extends ImageOptions {
  readonly metric?: readonly string[];
  readonly maps?: string;
  readonly controls?: boolean;
  readonly sheet?: boolean;
  readonly seed: number;
}

export function evaluateCommand(context: CommandContext): Command {
  return withBatch(withModelOptions(withMetricOptions(withImageOptions(new Command("evaluate")))))
    .description("Score how faithful maps are: results.json, scores.csv, means with intervals.")
    .addHelpText(
      "after",
      `
Examples:
  vitreous evaluate model.onnx images/ --method grad-cam gradient-rollout --out scores
  vitreous evaluate model.onnx images/ --method rollout --metric insertion:step=1792 --controls --sheet --out scores
  vitreous evaluate model.onnx images/ --maps my-maps --metric deletion:baseline=mean --out scores`,
    )
    .action((model: string, images: readonly string[], options: EvaluateOptions) =>
      evaluate(model, images, options, context),
    );
}

function withMetricOptions(command: Command): Command {
  return command
    .option("--metric <names>", `${Object.keys(METRICS).join(", ")}; likewise (default: both)`, collect)
    .option("--maps <folder>", "score maps made elsewhere: <stem>.npy or <stem>.<name>.npy, [H,W]")
    .option("--controls", "also score random, center, edge and inverted maps")
    .option("--sheet", "also write contact-sheet.html: images, maps and curves on one page")
    .option("--seed <n>", "for random controls, baselines, tie orders and intervals", seedNumber, 0);
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
  options: EvaluateOptions,
  context: CommandContext,
): Promise<void> {
  const say = context.terminal(options.quiet ?? false);
  const { signal } = context;
  const plan = readPlan(options);
  const list = await listImages(imagePaths, options.out);
  const stems = list.files.flatMap((items) => items.map(({ stem }) => stem));
  const maps = options.maps === undefined ? undefined : await openMapFolder(options.maps, stems);
  const model = await showingDownload(say, context, (told) =>
    openModel(path, { ...openOptions(options), ...told, seed: options.seed }),
  );
  try {
    for (const note of model.notes) say.note(note);
    // Where black lies in a tensor is known from how pictures are prepared.
    const black = plan.metrics.some(({ parameters }) => parameters.baseline === "black");
    for (const warning of black ? model.warnings : preparationWarnings(model, list))
      say.note(`warning: ${warning}`);
    for (const note of list.notes) say.note(`note: ${note}`);
    checkClasses(model);
    const target = usage(() => parseTarget(options.class, model.facts.labels));
    checkMethods(model, plan.methods);
    await makeFolder(options.out);
    const protocol = protocolRecord(model, plan, options);
    const results = await openResults(options.out, { version: VERSION, model: modelRecord(model), protocol });
    const sheet = options.sheet ? sheetBuilder(model, plan.specs) : undefined;
    const progress = say.progress("scoring", list.count);
    const count = { images: 0, forwards: 0 };
    let rows: readonly SummaryRow[] = [];
    try {
      const subjects = new Map<ScoreItem, ScoredSubject>();
      const items = scoreItems({ model, plan, list, maps, target, options, signal, subjects });
      await scoreImages(model, items, subjects, plan, { results, sheet, progress, count, options, signal });
      rows = await results.finish(list.failed, options.seed, false);
    } catch (error) {
      // Interrupted: what is done is kept, and the files end well.
      if (!signal.aborted) throw error;
      progress.done();
      if (count.images === 0) throw new VitreousError("interrupted before an image was done");
      rows = await results.finish(list.failed, options.seed, true);
      say.error(`interrupted: ${count.images} of ${list.count} images are scored, in ${options.out}`);
    } finally {
      progress.done();
      await results.discard();
    }
    if (sheet !== undefined && count.images > 0) {
      const facts = [basename(path), describeModel(model)];
      await writeFileAtomic(join(options.out, "contact-sheet.html"), await sheet.html(rows, facts));
    }
    if (options.json) say.result(prettyJson({ out: options.out, summary: rows, failed: list.failed }));
    else if (!options.quiet && rows.length > 0) say.result(summaryTable(rows));
    reportFailures(list.failed, say.error);
    if (!signal.aborted) {
      const files = [
        "results.json",
        "scores.csv",
        ...(sheet && count.images > 0 ? ["contact-sheet.html"] : []),
      ];
      say.note(
        `${plural(count.images, "image")} scored in ${plural(count.forwards, "forward pass", "forward passes")}; ${files.join(", ")} in ${options.out}`,
      );
    }
    if (list.failed.length > 0 || signal.aborted) context.done(1);
  } finally {
    await model.close();
  }
}

interface ScoringRun {
  readonly results: Results;
  readonly sheet: SheetBuilder | undefined;
  readonly progress: Progress;
  readonly count: { images: number; forwards: number };
  readonly options: EvaluateOptions;
  readonly signal: AbortSignal;
}

/** Scores image after image; each is written as it comes. Throws when interrupted. */
async function scoreImages(
  model: NodeModel,
  items: AsyncIterable<ScoreItem>,
  subjects: Map<ScoreItem, ScoredSubject>,
  plan: Plan,
  { results, sheet, progress, count, options, signal }: ScoringRun,
): Promise<void> {
  const update = (): void => progress.update(count.images, `${count.forwards} forwards`);
  const settings = {
    signal,
    ...(options.batch ? { batch: options.batch } : {}),
    onProgress: (inputs: number) => {
      count.forwards = inputs;
      update();
    },
  };
  for await (const scored of model.scoreAll(items, plan.metrics, settings)) {
    const subject = take(subjects, scored);
    await results.add(subject, scored, model.facts.labels, plan.metricSpecs);
    await sheet?.add(subject, scored, plan.metricSpecs);
    count.images++;
    update();
  }
  signal.throwIfAborted();
}

const describeModel = ({ anatomy }: NodeModel): string => {
  const family = { vit: "ViT", swin: "Swin", unknown: "not recognised as a transformer" }[anatomy.family];
  return `${family}, ${plural(anatomy.output.classes, "class", "classes")}`;
};

function readPlan(options: EvaluateOptions): Plan {
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
  readonly options: EvaluateOptions;
  readonly signal: AbortSignal;
  /** What belongs to each item, until it comes back scored. */
  readonly subjects: Map<ScoreItem, ScoredSubject>;
}

/** Each image with its maps, explained in batches as the scoring asks for more. */
async function* scoreItems(source: ItemSource): AsyncGenerator<ScoreItem> {
  const { model, plan, list, maps, target, options, signal, subjects } = source;
  const named = trackNames(readImages(model, list, { signal, labelled: target === "true" }));
  const settings = { target, signal, ...(options.batch ? { batch: options.batch } : {}) };
  const explained =
    plan.methods.length > 0 ? model.explainAll(named.images, plan.methods, settings) : undefined;
  for await (const next of explained ?? named.images) {
    const explanation = "maps" in next ? next : undefined;
    const image = "maps" in next ? next.image : next;
    const item = named.take(image);
    const { height, width } = image.tensor;
    const own: Candidate[] = (explanation?.maps ?? []).map((map, m) => ({
      method: plan.specs[m] ?? map.method,
      values: map.atImageSize(),
      control: false,
    }));
    own.push(...(await outsideMaps(maps, item, [height, width], list)));
    const controls = options.controls ? controlsFor(image.tensor, own, mix(item.seed, options.seed)) : [];
    const candidates = [...own, ...controls];
    if (candidates.length === 0) continue;
    const primary = explanation?.target?.index ?? givenClass(target, image.label);
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

/** The class to follow where no method was run; undefined: the predicted one. */
function givenClass(target: TargetChoice, label: number | undefined): number | undefined {
  if (target === "top") return undefined;
  if (target === "true") return label;
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

function protocolRecord(model: NodeModel, plan: Plan, options: EvaluateOptions) {
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
    intervals: INTERVALS,
    seed: options.seed,
    device: options.device,
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

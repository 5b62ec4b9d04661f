/** @file `vitreous evaluate`: how faithful maps are, image by image and in the mean, with controls beside them. */
import { basename, join } from "node:path";
import { Command } from "commander";
import type { NodeModel } from "../api/node/node-model.js";
import { openModel } from "../api/node/open.js";
import { parseTarget } from "../api/target.js";
import type { ScoredImage, ScoreItem } from "../api/types.js";
import { makeFolder, writeFileAtomic } from "../imaging/node/atomic.js";
import { VitreousError } from "../onnx/errors.js";
import { VERSION } from "../version.js";
import { showingDownload } from "./download.js";
import { scoreItems } from "./evaluate-items.js";
import {
  type EvaluateOptions,
  type Plan,
  protocolRecord,
  readPlan,
  withMetricOptions,
} from "./evaluate-options.js";
import { summaryTable } from "./evaluate-table.js";
import { plural } from "./format.js";
import { listImages, preparationWarnings, reportFailures } from "./images.js";
import { prettyJson } from "./json.js";
import { openMapFolder } from "./maps.js";
import {
  type CommandContext,
  openOptions,
  withBatch,
  withImageOptions,
  withModelOptions,
} from "./options.js";
import { checkClasses, checkMethods, modelRecord } from "./records.js";
import { openResults, type Results, type ScoredSubject } from "./results.js";
import { type SheetBuilder, sheetBuilder } from "./sheet.js";
import type { SummaryRow } from "./summary.js";
import type { Progress } from "./terminal.js";
import { usage } from "./usage.js";

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

function take(subjects: Map<ScoreItem, ScoredSubject>, scored: ScoredImage): ScoredSubject {
  const subject = subjects.get(scored.item);
  if (subject === undefined) throw new RangeError("a score of an item that was never asked for");
  subjects.delete(scored.item);
  return subject;
}

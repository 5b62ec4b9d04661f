/** @file `vitreous inspect`: what a model is found to be, in words or as JSON. */
import { Command } from "commander";
import { describeInspection, inspectAnatomy } from "../anatomy/describe.js";
import type { NodeModel } from "../api/node/node-model.js";
import { openModel } from "../api/node/open.js";
import { usesGradients } from "../explain/compile.js";
import { METHODS, methodFromSpec } from "../explain/registry.js";
import { type Preprocessing, sizingInWords } from "../imaging/preprocessing.js";
import { showingDownload } from "./download.js";
import { printable } from "./format.js";
import { prettyJson } from "./json.js";
import {
  type CommandContext,
  type ModelOptions,
  openOptions,
  withModelArgument,
  withModelOptions,
} from "./options.js";

export function inspectCommand(context: CommandContext): Command {
  return withModelOptions(withModelArgument(new Command("inspect")))
    .description("Say what a model is, and which methods work on it.")
    .option("--verify", "also run it once on a random image and check what was recognised")
    .addHelpText(
      "after",
      `
Examples:
  vitreous inspect model.onnx
  vitreous inspect model.onnx --verify
  vitreous inspect vit_tiny_patch16_224/ --json`,
    )
    .action((path: string, options: InspectOptions) => inspect(path, options, context));
}

interface InspectOptions extends ModelOptions {
  readonly verify?: boolean;
}

async function inspect(path: string, options: InspectOptions, context: CommandContext): Promise<void> {
  const say = context.terminal(options.quiet ?? false);
  const model = await showingDownload(say, context, (told) =>
    openModel(path, { ...openOptions(options), ...told }),
  );
  try {
    for (const note of model.notes) say.note(note);
    for (const warning of model.warnings) say.note(`warning: ${warning}`);
    const inspection = inspectModel(model);
    const { preprocessing } = model;
    const problems = options.verify ? await model.verify() : [];
    if (options.json) say.result(prettyJson({ ...inspection, preprocessing, labels: model.facts.labels }));
    else {
      const lines = [...describeInspection(inspection), `  images   ${preprocessingInWords(preprocessing)}`];
      say.result([...lines, `  labels   ${labelsInWords(model.facts.labels)}`].join("\n"));
    }
    if (options.verify && problems.length === 0) say.note("verified: one run on a random image agrees");
    for (const problem of problems) say.error(`${path}: ${problem}`);
    if (problems.length > 0) context.done(1);
  } finally {
    await model.close();
  }
}

function inspectModel(model: NodeModel) {
  const methods = Object.keys(METHODS).map((name) => ({
    name,
    why: model.unsupported(methodFromSpec(name)),
  }));
  // The anatomy's own reasons are said once, not again by each method that they stop.
  const reasons = methods.flatMap(({ why }) => why ?? []);
  const further = reasons.filter((why) => !model.anatomy.why.some((known) => why.includes(known)));
  const working = methods.flatMap(({ name, why }) => (why === undefined ? [name] : []));
  return inspectAnatomy(model.anatomy, {
    batch: model.batch,
    differentiable: working.some((name) => usesGradients(methodFromSpec(name), model.anatomy)),
    methods: working,
    why: [...new Set(further)],
  });
}

/** "shorter side to 248 (bicubic), centre 224×224, mean 0.5, std 0.5; from config.json". */
export function preprocessingInWords({ resize, crop, mean, std, source }: Preprocessing): string {
  const numbers = (values: readonly number[]): string =>
    [...new Set(values.map((v) => String(Number(v.toFixed(4)))))].join(" ");
  const sizing = sizingInWords({ resize, crop });
  const steps = [...(sizing === "" ? [] : [sizing]), `mean ${numbers(mean)}`, `std ${numbers(std)}`];
  return `${steps.join(", ")}; from ${source}`;
}

function labelsInWords(labels: readonly string[]): string {
  if (labels.length === 0) return "none: the model has no classifier";
  if (labels.every((label, i) => label === String(i))) return "none known: classes go by their numbers";
  const names = labels.slice(0, labels.length <= 8 ? 8 : 4).map(printable);
  return labels.length <= 8 ? names.join(", ") : `${names.join(", ")}, … (${labels.length})`;
}

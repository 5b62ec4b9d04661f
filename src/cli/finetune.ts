/** @file `vitreous finetune`: a pretrained model fine-tuned on a labelled data set, resumable, with its report. */
import { Command } from "commander";
import { readText } from "../api/node/text.js";
import { VitreousError } from "../onnx/errors.js";
import { trainingReport } from "../report/training-report.js";
import { NO_AUGMENTATION } from "../training/data/options.js";
import type { Score } from "../training/metrics/scores.js";
import type { EpochRecord } from "../training/run/loop.js";
import { type Finetuned, finetune, type RunStart } from "../training/run/node/finetune.js";
import { type FinetuneOptions, finetuneOptions } from "../training/run/options.js";
import type { TrainingRecord } from "../training/run/record.js";
import { showingDownload } from "./download.js";
import { formatDuration, percent, plural, table } from "./format.js";
import { prettyJson } from "./json.js";
import {
  type CommandContext,
  imageSize,
  type ModelOptions,
  seedNumber,
  withMachineOptions,
} from "./options.js";
import type { Progress, Terminal } from "./terminal.js";
import { UsageError, usage } from "./usage.js";

interface Options extends Omit<ModelOptions, "head"> {
  readonly out: string;
  readonly epochs?: string;
  readonly batch?: string;
  readonly accumulate?: string;
  readonly lr?: string;
  readonly weightDecay?: string;
  readonly layerDecay?: string;
  readonly warmup?: string;
  readonly schedule?: string;
  readonly clip?: string;
  readonly ema?: string;
  readonly dropPath?: string;
  readonly freeze?: string;
  readonly depth?: string;
  readonly precision?: string;
  readonly teacher?: string;
  readonly distill?: string;
  readonly classWeights?: boolean;
  readonly balanced?: boolean;
  readonly augment: string;
  readonly labelSmoothing?: string;
  readonly mixup?: string;
  readonly cutmix?: string;
  readonly val?: string;
  readonly test?: string;
  readonly patience?: string;
  readonly seed: number;
}

export function finetuneCommand(context: CommandContext): Command {
  const command = new Command("finetune")
    .argument(
      "<model>",
      "a checkpoint: a folder (config.json with model.safetensors or pytorch_model.bin); a file of weights (.safetensors, .pth, .pt, .bin), with --arch; or hf:owner/name[@revision]",
    )
    .argument("<data>", "labelled images: a folder for each class, or a manifest.csv")
    .requiredOption("--out <folder>", "where the model, its report and the run's state go (required)")
    .option("--json", "print the scores as JSON")
    .option("--quiet", "no progress, notes or tables; errors are still shown");
  return withMachine(withImages(withTraining(command)))
    .description("Fine-tune a model on a labelled data set; the same command again resumes.")
    .addHelpText(
      "after",
      `
Examples:
  vitreous finetune vit_tiny_patch16_224/ blood-cells/ --out blood-cells-vit
  vitreous finetune hf:google/vit-base-patch16-224 ultrasound/manifest.csv --epochs 8 --class-weights --out us
  vitreous finetune dinov2-small/ cells/ --freeze head --lr 1e-3 --epochs 20 --patience 3 --out probe

In the folder: config.json, model.safetensors and preprocessor_config.json (transformers loads it), model.onnx,
training.json, splits.json, report.html, and state/ while the run is not finished.`,
    )
    .action((model: string, data: string, options: Options) => runFinetune(model, data, options, context));
}

function withTraining(command: Command): Command {
  return command
    .optionsGroup("Training:")
    .option("--epochs <n>", "times that each image is seen (default: 10)")
    .option("--batch <n>", "images computed at once (default: 32)")
    .option("--accumulate <n>", "batches to a step (default: 1)")
    .option("--lr <rate>", "AdamW's learning rate after the warm-up (default: 1e-4)")
    .option("--weight-decay <x>", "of matrices; none for norms, biases, tokens and positions (default: 0.05)")
    .option("--layer-decay <x>", "a block's learning rate over that of the one behind it (default: 1)")
    .option("--warmup <epochs>", "epochs in which the learning rate rises from 0 (default: 0.5)")
    .option("--schedule <name>", "cosine, linear or constant (default: cosine)")
    .option("--clip <norm>", "greatest norm of the gradient, 0 for any (default: 1)")
    .option("--ema <decay>", "validate and keep a moving average of the weights, e.g. 0.999")
    .option(
      "--drop-path <p>",
      "probability that the last block is skipped, less for those before (default: 0)",
    )
    .option(
      "--freeze <what>",
      "none; head: train only the head; blocks:K: only the last K blocks and the head",
    )
    .option("--depth <n>", "take only the model's first n blocks, for a smaller and faster one")
    .option("--precision <type>", "of the saved weights: float32 or float16 (default: float32)")
    .option(
      "--teacher <model>",
      "distil from this model of the same classes, as DeiT: the trained model gets a distillation token and a second head",
    )
    .option("--distill <how>", "hard: learn the teacher's decisions; soft: its probabilities (default: hard)")
    .option("--patience <epochs>", "end after so many epochs without a better one")
    .option("--seed <n>", "of the split, the order, the augmentation and the new head", seedNumber, 0);
}

function withImages(command: Command): Command {
  return command
    .optionsGroup("Images:")
    .option("--val <share>", "of the images, to choose the best epoch by (default: 0.1)")
    .option("--test <share>", "of the images, to test on once (default: 0.2)")
    .option(
      "--augment <what>",
      "none; light: flips and mild crops; full: also colour, blur and RandAugment; or a .json file",
      "light",
    )
    .option("--label-smoothing <x>", "share of a target spread over all classes (default: 0.05)")
    .option("--mixup <alpha>", "mix pairs of images (default: 0)")
    .option("--cutmix <alpha>", "put a part of one image into another (default: 0)")
    .option("--class-weights", "images of rare classes weigh more")
    .option("--balanced", "images of each class are drawn equally often")
    .option(
      "--labels <file>",
      "the order of the classes: their names in a JSON list or a line each (default: by name)",
    );
}

function withMachine(command: Command): Command {
  return withMachineOptions(
    command
      .optionsGroup("Model and machine:")
      .option("--arch <name>", "architecture of weights without a config.json, e.g. vit_tiny_patch16_224")
      .option("--preprocess <file>", "how images are prepared, where no file beside the model says it")
      .option("--image-size <HxW>", "image size, other than the checkpoint's, e.g. 384x384", imageSize),
  );
}

async function runFinetune(
  model: string,
  data: string,
  options: Options,
  context: CommandContext,
): Promise<void> {
  const say = context.terminal(options.quiet ?? false);
  const { signal } = context;
  const chosen = await readOptions(options);
  const { arch, preprocess, imageSize: size, threads, device } = options;
  const shown = showing(say);
  let result: Finetuned;
  try {
    result = await showingDownload(say, context, (told) =>
      finetune({
        model,
        data,
        out: options.out,
        options: chosen,
        ...(options.labels !== undefined && { labels: options.labels }),
        ...(options.teacher !== undefined && { teacher: options.teacher }),
        open: {
          device,
          ...told,
          ...(arch !== undefined && { arch }),
          ...(preprocess !== undefined && { preprocess }),
          ...(size !== undefined && { imageSize: size }),
          ...(threads !== undefined && { threads }),
        },
        page: trainingReport,
        signal,
        events: shown.events,
      }),
    );
  } catch (error) {
    shown.end();
    if (!signal.aborted) throw error;
    throw new VitreousError(
      shown.started()
        ? `interrupted; what is done is kept in ${options.out}: run the same command to go on`
        : "interrupted before training began",
    );
  }
  shown.end();
  if (result === "finished") {
    say.note(`${options.out} is finished: all of this run is there already`);
    return;
  }
  if (options.json) say.result(prettyJson(summaryOf(result, options.out)));
  else if (!options.quiet) say.result(scoresTable(result));
  say.note(
    `epoch ${result.best?.epoch ?? 0} of ${result.curve.length} kept; model, model.onnx, training.json and report.html in ${options.out}`,
  );
}

/** --augment's own words. */
const AUGMENTATIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  none: NO_AUGMENTATION,
  light: {
    crop: { scale: [0.8, 1], ratio: [0.9, 1.1] },
    jitter: { brightness: 0, contrast: 0, saturation: 0, hue: 0 },
    blur: { probability: 0 },
  },
  full: { randAugment: {} },
};

async function readOptions(options: Options): Promise<FinetuneOptions> {
  const { augment, labelSmoothing = 0.05, mixup, cutmix } = options;
  const named = Object.hasOwn(AUGMENTATIONS, augment) ? AUGMENTATIONS[augment] : undefined;
  const augmentation = {
    ...(named ?? (await readAugmentation(augment))),
    ...(options.labelSmoothing === undefined && named === undefined ? {} : { labelSmoothing }),
    ...(mixup === undefined ? {} : { mixUp: mixup }),
    ...(cutmix === undefined ? {} : { cutMix: cutmix }),
  };
  if (options.distill !== undefined && options.teacher === undefined)
    throw new UsageError("--distill needs a --teacher to learn from");
  const given = {
    distillation: options.distill,
    epochs: options.epochs,
    batch: options.batch,
    accumulate: options.accumulate,
    learningRate: options.lr,
    weightDecay: options.weightDecay,
    layerDecay: options.layerDecay,
    warmup: options.warmup,
    schedule: options.schedule,
    clip: options.clip,
    ema: options.ema,
    dropPath: options.dropPath,
    freeze: options.freeze,
    depth: options.depth,
    precision: options.precision,
    classWeights: options.classWeights,
    balanced: options.balanced,
    patience: options.patience,
    validation: options.val,
    test: options.test,
    seed: options.seed,
  };
  const stated = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return usage(() => {
    try {
      return finetuneOptions({ ...stated, augmentation });
    } catch (error) {
      if (!(error instanceof VitreousError)) throw error;
      throw new VitreousError(inFlags(error.message), { cause: error });
    }
  });
}

/** Options whose flag is no other spelling of their name. */
const FLAGS: Readonly<Record<string, string>> = {
  learningRate: "--lr",
  validation: "--val",
  distillation: "--distill",
  mixUp: "--mixup",
  cutMix: "--cutmix",
};

/** A message about options with their flags: "learningRate: must be …" as "--lr: must be …". */
const inFlags = (message: string): string =>
  message
    .replace(/^finetune: /, "")
    .replaceAll(
      /(?<=^|; |option )([a-zA-Z]+)(?=:| is)/g,
      (name) => FLAGS[name] ?? `--${name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`,
    );

async function readAugmentation(path: string): Promise<Readonly<Record<string, unknown>>> {
  if (!path.endsWith(".json"))
    throw new UsageError(`--augment takes none, light, full or a .json file, not "${path}"`);
  const { text } = await readText(path);
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return { ...json };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new VitreousError(`${path} is no JSON object of augmentation options`);
}

/** Progress on the terminal: a bar for each thing that takes time. */
function showing(say: Terminal) {
  let bar: { readonly title: string; readonly progress: Progress } | undefined;
  let start: RunStart | undefined;
  const began = Date.now();
  let seen = 0;
  let firstStep = 0;
  const end = (): void => {
    bar?.progress.done();
    bar = undefined;
  };
  const show = (title: string, done: number, total: number, detail = ""): void => {
    if (bar?.title !== title) {
      end();
      bar = { title, progress: say.progress(title, total) };
    }
    bar.progress.update(done, detail);
    if (done >= total) end();
  };
  return {
    end,
    started: () => start !== undefined,
    events: {
      note: (text: string) => {
        say.note(/^warning:/.test(text) ? text : `note: ${text}`);
      },
      onLook: (done: number, total: number) => show("looking at images", done, total),
      onStart(given: RunStart) {
        start = given;
        firstStep = Date.now();
        end();
        if (given.resumed)
          say.note(
            `resumed after ${plural(given.epochsDone, "epoch")}${given.imagesDone > 0 ? ` and ${plural(given.imagesDone, "image")} of the next` : ""}`,
          );
      },
      onStep({ epoch, images, loss }: { epoch: number; images: number; loss: number }) {
        if (start === undefined) return;
        const { epochs, epochsDone, imagesDone, images: each } = start;
        const before = epoch - 1 === epochsDone ? imagesDone : 0;
        seen = (epoch - 1 - epochsDone) * each + images - imagesDone;
        // Nothing is known of time or loss before a step was applied.
        if (seen <= 0) return;
        const left = ((epochs - epochsDone) * each - imagesDone - seen) / seen;
        const all = epochs > 1 ? `, ${formatDuration((left * (Date.now() - firstStep)) / 1000)} in all` : "";
        show(`epoch ${epoch}/${epochs}`, images - before, each - before, `loss ${loss.toFixed(3)}${all}`);
      },
      onEvaluate: (part: string, done: number, total: number) => show(part, done, total),
      onEpoch({ epoch, train, validation, seconds }: EpochRecord, best: boolean) {
        end();
        say.note(
          `epoch ${epoch}: loss ${train.loss.toFixed(4)}, validation ${validation.loss.toFixed(4)}, accuracy ${percent(validation.accuracy)}, balanced ${percent(validation.balancedAccuracy)}${best ? ", the best so far" : ""} (${(train.images / seconds).toFixed(1)} images/s, ${formatDuration((Date.now() - began) / 1000)})`,
        );
      },
    },
  };
}

function scoresTable({ test, validation }: TrainingRecord): string {
  const cell = ({ value, interval }: Score): string =>
    value === undefined
      ? "–"
      : `${percent(value)}${interval ? ` [${interval.map((v) => percent(v)).join(", ")}]` : ""}`;
  return table([
    ["score", `test (${test.images} images)`, `validation (${validation.images} images)`],
    ["accuracy", cell(test.accuracy), cell(validation.accuracy)],
    ["balanced accuracy", cell(test.balancedAccuracy), cell(validation.balancedAccuracy)],
    ["macro F1", cell(test.macroF1), cell(validation.macroF1)],
    ["calibration error", cell(test.calibrationError), cell(validation.calibrationError)],
    ...test.classes.map((c, i) => {
      const other = validation.classes[i];
      return [`recall ${c.label}`, cell(c.recall), other === undefined ? "–" : cell(other.recall)];
    }),
  ]);
}

function summaryOf({ best, classes, test, validation, curve }: TrainingRecord, out: string) {
  return { out, epochs: curve.length, best, classes, test, validation };
}

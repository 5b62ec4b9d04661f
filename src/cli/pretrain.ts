/** @file `vitreous pretrain`: a backbone trained on images without their labels, resumable, with what its features are worth. */
import { Command } from "commander";
import { VitreousError } from "../onnx/errors.js";
import { pretrainingReport } from "../report/pretraining-report.js";
import { type Pretrained, pretrain } from "../training/dino/run/node/pretrain.js";
import type { PretrainingEpoch, PretrainingRecord, QuickEvaluation } from "../training/dino/run/record.js";
import { showingDownload } from "./download.js";
import { withMachine } from "./finetune-flags.js";
import { scoreCell } from "./finetune-scores.js";
import { percent, table } from "./format.js";
import { prettyJson } from "./json.js";
import type { CommandContext } from "./options.js";
import { type PretrainFlags, readPretrainOptions, withCrops, withDino } from "./pretrain-flags.js";
import { refuseShares, type SplitFlags, withSplits } from "./split-flags.js";
import { trainingProgress } from "./training-progress.js";

export function pretrainCommand(context: CommandContext): Command {
  const command = new Command("pretrain")
    .argument(
      "<model>",
      "a checkpoint: a folder (config.json with model.safetensors or pytorch_model.bin); a file of weights (.safetensors, .pth, .pt, .bin), with --arch; or hf:owner/name[@revision]; with --scratch an architecture",
    )
    .argument(
      "<data>",
      "images: a folder, a folder for each class, or a manifest.csv; labels are never learnt from",
    )
    .requiredOption("--out <folder>", "where the backbone, its report and the run's state go (required)")
    .option("--json", "print what the features are worth as JSON")
    .option("--quiet", "no progress, notes or tables; errors are still shown");
  return withMachine(withSplits(withCrops(withDino(command))))
    .description("Train a backbone on images without labels (DINO); the same command again resumes.")
    .addHelpText(
      "after",
      `
Examples:
  vitreous pretrain vit_tiny_patch16_224/ blood-cells/ --epochs 20 --augment medical --right-angles --out dino
  vitreous pretrain hf:facebook/dino-vits16 ultrasound/ --lr 1e-4 --out dino
  vitreous finetune dino/ blood-cells/ --out blood-cells-dino

In the folder: config.json, model.safetensors and preprocessor_config.json (a model of transformers without a
classifier), training.json, report.html, splits.json where images have labels, and state/ while the run is not finished.`,
    )
    .action((model: string, data: string, flags: PretrainFlags & SplitFlags) =>
      runPretrain(model, data, flags, context),
    );
}

const sharesText = ({ knn, linear }: QuickEvaluation): string =>
  `k-NN ${percent(knn.accuracy)}, linear ${percent(linear.accuracy)}`;

const epochText = ({ train, evaluation }: PretrainingEpoch): string =>
  `loss ${train.loss.toFixed(4)}, entropy ${train.teacherEntropy.toFixed(2)}${evaluation ? `, validation ${sharesText(evaluation)}` : ""}`;

async function runPretrain(
  model: string,
  data: string,
  { nearDuplicates, splits, ...flags }: PretrainFlags & SplitFlags,
  context: CommandContext,
): Promise<void> {
  const say = context.terminal(flags.quiet ?? false);
  const { signal } = context;
  refuseShares({ ...flags, splits });
  const options = await readPretrainOptions(flags);
  const { arch, preprocess, imageSize, threads, device, out } = flags;
  const shown = trainingProgress(say, epochText);
  let result: Pretrained;
  try {
    result = await showingDownload(say, context, (told) =>
      pretrain({
        model,
        data,
        out,
        options,
        nearDuplicates,
        ...(splits !== undefined && { splits }),
        open: {
          device,
          ...told,
          ...(arch !== undefined && { arch }),
          ...(preprocess !== undefined && { preprocess }),
          ...(imageSize !== undefined && { imageSize }),
          ...(threads !== undefined && { threads }),
        },
        page: pretrainingReport,
        signal,
        events: {
          ...shown.events,
          onBefore: (evaluation) => say.note(`before training: validation ${sharesText(evaluation)}`),
        },
      }),
    );
  } catch (error) {
    shown.end();
    if (!signal.aborted) throw error;
    throw new VitreousError(
      shown.started()
        ? `interrupted; what is done is kept in ${out}: run the same command to go on`
        : "interrupted before training began",
    );
  }
  shown.end();
  if (result === "finished") {
    say.note(`${out} is finished: all of this run is there already`);
    return;
  }
  if (flags.json) say.result(prettyJson(summaryOf(result, out)));
  else if (!flags.quiet && result.evaluation !== undefined) say.result(scoresTable(result.evaluation));
  say.note(
    `model, training.json and report.html in ${out}; fine-tune it with: vitreous finetune ${out} DATA --out DIR`,
  );
}

function scoresTable({ knn, linear }: NonNullable<PretrainingRecord["evaluation"]>): string {
  return table([
    ["features", `test (${knn.test.images} images)`, `validation (${knn.validation.images} images)`],
    ...(["accuracy", "balancedAccuracy"] as const).flatMap((score) => {
      const name = score === "accuracy" ? "accuracy" : "balanced accuracy";
      return [
        [`k-NN ${name}`, scoreCell(knn.test[score]), scoreCell(knn.validation[score])],
        [`linear ${name}`, scoreCell(linear.test[score]), scoreCell(linear.validation[score])],
      ];
    }),
  ]);
}

function summaryOf({ curve, classes, before, evaluation }: PretrainingRecord, out: string) {
  return { out, epochs: curve.length, classes, before, evaluation };
}

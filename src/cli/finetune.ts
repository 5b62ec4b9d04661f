/** @file `vitreous finetune`: a pretrained model fine-tuned on a labelled data set, resumable, with its report. */
import { Command } from "commander";
import { VitreousError } from "../onnx/errors.js";
import { trainingReport } from "../report/training-report.js";
import { type Finetuned, finetune } from "../training/run/node/finetune.js";
import { showingDownload } from "./download.js";
import { type Flags, withImages, withMachine, withTeacher, withTraining } from "./finetune-flags.js";
import { readOptions } from "./finetune-options.js";
import { showing } from "./finetune-progress.js";
import { scoresTable, summaryOf } from "./finetune-scores.js";
import { prettyJson } from "./json.js";
import type { CommandContext } from "./options.js";
import { refuseShares, type SplitFlags, withSplits } from "./split-flags.js";

export function finetuneCommand(context: CommandContext): Command {
  const command = new Command("finetune")
    .argument(
      "<model>",
      "a checkpoint: a folder (config.json with model.safetensors or pytorch_model.bin); a file of weights (.safetensors, .pth, .pt, .bin), with --arch; or hf:owner/name[@revision]; with --scratch an architecture",
    )
    .argument("<data>", "labelled images: a folder for each class, or a manifest.csv")
    .requiredOption("--out <folder>", "where the model, its report and the run's state go (required)")
    .option("--json", "print the scores as JSON")
    .option("--quiet", "no progress, notes or tables; errors are still shown");
  return withMachine(withSplits(withImages(withTeacher(withTraining(command)))))
    .description("Fine-tune a model on a labelled data set; the same command again resumes.")
    .addHelpText(
      "after",
      `
Examples:
  vitreous finetune vit_tiny_patch16_224/ blood-cells/ --out blood-cells-vit
  vitreous finetune hf:google/vit-base-patch16-224 ultrasound/manifest.csv --epochs 8 --class-weights --out us
  vitreous finetune dinov2-small/ cells/ --freeze head --lr 1e-3 --epochs 20 --patience 3 --out probe
  vitreous finetune swin_tiny_patch4_window7_224:embed_dim=48,depths=2-2-4-2 cells/ --scratch --teacher probe --out swin

In the folder: config.json, model.safetensors and preprocessor_config.json (transformers loads it), model.onnx,
training.json, splits.json, report.html, and state/ while the run is not finished.`,
    )
    .action((model: string, data: string, options: FinetuneFlags) =>
      runFinetune(model, data, options, context),
    );
}

type FinetuneFlags = Flags & SplitFlags;

async function runFinetune(
  model: string,
  data: string,
  options: FinetuneFlags,
  context: CommandContext,
): Promise<void> {
  const say = context.terminal(options.quiet ?? false);
  const { signal } = context;
  refuseShares(options);
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
        nearDuplicates: options.nearDuplicates,
        ...(options.labels !== undefined && { labels: options.labels }),
        ...(options.splits !== undefined && { splits: options.splits }),
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

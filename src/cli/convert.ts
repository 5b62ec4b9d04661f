/** @file `vitreous convert`: any model as an .onnx file with its preprocessing and labels inside. */
import { Command } from "commander";
import type { Anatomy } from "../anatomy/anatomy.js";
import { convertModel } from "../api/node/convert.js";
import { showingDownload } from "./download.js";
import { prettyJson } from "./json.js";
import {
  type CommandContext,
  type ModelOptions,
  openOptions,
  withModelArgument,
  withModelOptions,
} from "./options.js";

export function convertCommand(context: CommandContext): Command {
  return withModelOptions(withModelArgument(new Command("convert")))
    .description("Write a model as ONNX, with its preprocessing and labels inside.")
    .requiredOption("-o, --output <file>", "the .onnx file to write (required)")
    .addHelpText(
      "after",
      `
Examples:
  vitreous convert vit_tiny_patch16_224/ -o vit_tiny.onnx
  vitreous convert model_best.pth.tar --arch vit_b_16 --labels classes.txt -o blood-cells.onnx
  vitreous convert checkpoint/ --image-size 384x384 -o larger.onnx`,
    )
    .action((path: string, options: ConvertOptions) => convert(path, options, context));
}

interface ConvertOptions extends ModelOptions {
  readonly output: string;
}

async function convert(path: string, options: ConvertOptions, context: CommandContext): Promise<void> {
  const say = context.terminal(options.quiet ?? false);
  const conversion = await showingDownload(say, context, (told) =>
    convertModel(path, options.output, { ...openOptions(options), ...told }),
  );
  const { file, bytes, opset, anatomy, settings, notes } = conversion;
  for (const note of notes) say.note(note);
  for (const warning of settings.warnings) say.note(`warning: ${warning}`);
  const { labels, preprocessing } = settings;
  if (options.json) {
    const { input, output, family, image } = anatomy;
    say.result(prettyJson({ file, bytes, opset, family, input, output, image, preprocessing, labels }));
  } else say.result(`${file}: ${(bytes / 1e6).toFixed(1)} MB, opset ${opset}, ${signature(anatomy)}`);
}

/** "pixel_values [N, 3, 224, 224] → logits [N, 1000]". */
function signature({ input, output, image }: Anatomy): string {
  const dims = input.layout === "NCHW" ? [input.channels, ...image] : [...image, input.channels];
  return `${input.name} [N, ${dims.join(", ")}] → ${output.name} [N, ${output.features ?? output.classes}]`;
}

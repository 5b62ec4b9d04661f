/** @file Arguments and options that several commands share, with their checks. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { OpenOptions } from "../api/node/open.js";
import { METHODS } from "../explain/registry.js";
import { DEVICES } from "../runtime/devices.js";
import type { ProgressStyle, Terminal } from "./terminal.js";

export interface CommandContext {
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Tells the exit status. */
  readonly done: (status: number) => void;
  /** `progress` where the command itself knows better than whoever runs it. */
  readonly terminal: (quiet: boolean, progress?: ProgressStyle) => Terminal;
}

/** What every command takes. */
export interface ModelOptions {
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly threads?: number;
  readonly device: NonNullable<OpenOptions["device"]>;
  readonly preprocess?: string;
  readonly labels?: string;
  readonly arch?: string;
  readonly head?: string;
  readonly imageSize?: readonly [number, number];
}

/** What the commands that explain images take. */
export interface ImageOptions extends ModelOptions {
  readonly method?: readonly string[];
  readonly class: string;
  readonly batch?: number;
  readonly out: string;
}

export function withModelArgument(command: Command): Command {
  return command.argument(
    "<model>",
    "an .onnx file; a checkpoint's folder (config.json with model.safetensors or pytorch_model.bin); a file of weights (.safetensors, .pth, .pt, .bin), with --arch; or hf:owner/name[@revision]",
  );
}

/** Images, what to do with them, and where the results go. */
export function withImageOptions(command: Command): Command {
  return withModelArgument(command)
    .argument(
      "<images...>",
      "image files, folders (searched recursively), or .npy tensors [3,H,W] or [N,3,H,W] that are preprocessed already",
    )
    .requiredOption("--out <folder>", "where to write (required)")
    .option(
      "--method <names>",
      `${Object.keys(METHODS).join(", ")}; several names, or the option repeated; parameters as name:key=value,key=value`,
      collect,
    )
    .option(
      "--class <class>",
      "what is explained: top (the predicted class), an index, a label, true (the class that the data set or the folder's name says), or A-B (one class against another)",
      "top",
    );
}

export function withModelOptions(command: Command): Command {
  return command
    .option("--json", "print the result as JSON")
    .option("--quiet", "no progress, notes or tables; errors are still shown")
    .optionsGroup("Model and machine:")
    .option(
      "--preprocess <file>",
      "how images are prepared: preprocessor_config.json, config.json or timm's pretrained_cfg",
    )
    .option("--labels <file>", "class names: a JSON list or object, or a text file with a name a line")
    .option(
      "--arch <name>",
      "architecture of weights without a config.json: timm's, torchvision's or Hugging Face's name, e.g. vit_b_16 or vit_tiny_patch16_224:num_heads=3,img_size=64",
    )
    .option(
      "--head <file>",
      "a linear classifier (weight and bias in a .safetensors or .pth file) for a checkpoint without one, or in the place of its own",
    )
    .option(
      "--image-size <HxW>",
      "image size for an .onnx file that takes any, or other than a checkpoint's, e.g. 224x224",
      imageSize,
    )
    .addOption(deviceOption())
    .option("--threads <n>", THREADS, wholeNumber);
}

const THREADS = "threads to compute with (default: one for each core)";

const deviceOption = (): Option => namedDevice("where to compute").default("cpu");

/** --device without a default of its own. */
export const namedDevice = (what: string): Option => new Option("--device <name>", what).choices(DEVICES);

/** Where to compute, for commands that do not take the options of `withModelOptions`. */
export const withMachineOptions = (command: Command): Command =>
  command.addOption(deviceOption()).option("--threads <n>", THREADS, wholeNumber);

export function withBatch(command: Command): Command {
  return command.option("--batch <n>", "images run at once (default: 8)", wholeNumber);
}

/** What openModel needs of the options. */
export function openOptions(options: ModelOptions): OpenOptions {
  const { threads, device, preprocess, labels, arch, head, imageSize: image } = options;
  return {
    device,
    ...(threads === undefined ? {} : { threads }),
    ...(preprocess === undefined ? {} : { preprocess }),
    ...(labels === undefined ? {} : { labels }),
    ...(arch === undefined ? {} : { arch }),
    ...(head === undefined ? {} : { head }),
    ...(image === undefined ? {} : { imageSize: image }),
  };
}

/** For an option that may be repeated. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

/** More threads or images at once than any machine has use for is a slip of the finger. */
const MOST = 1024;

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > MOST)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST}.`);
  return value;
}

export function seedNumber(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new InvalidArgumentError("It must be a whole number from 0 to 4294967295.");
  }
  return value;
}

export function imageSize(text: string): readonly [number, number] {
  const match = /^(\d+)x(\d+)$/.exec(text);
  const [height, width] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
  if (height < 1 || width < 1) throw new InvalidArgumentError("Write height x width, e.g. 224x224.");
  return [height, width];
}

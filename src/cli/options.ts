/** @file Options that every command shares, with their checks. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { OpenOptions } from "../api/node/open.js";

export interface CommandContext {
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Tells the exit status. */
  readonly done: (status: number) => void;
}

export interface ModelOptions {
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly threads?: number;
  readonly device: NonNullable<OpenOptions["device"]>;
  readonly batch?: number;
  readonly preprocess?: string;
  readonly labels?: string;
  readonly imageSize?: readonly [number, number];
  readonly arch?: string;
}

const DEVICES = ["cpu", "cuda", "dml", "coreml", "webgpu"] as const;

export function withModelOptions(command: Command): Command {
  return command
    .option("--quiet", "no progress, notes or tables; errors are still shown")
    .option("--json", "print results as JSON")
    .option("--threads <n>", "threads to compute with (default: one for each core)", wholeNumber)
    .addOption(new Option("--device <name>", "where to compute").choices(DEVICES).default("cpu"))
    .option(
      "--preprocess <file>",
      "preprocessor_config.json, config.json or timm's pretrained_cfg to prepare images with",
    )
    .option("--labels <file>", "class names: a JSON list or object, or a text file with a name a line")
    .option("--image-size <HxW>", "image size for a model that takes any, e.g. 224x224", imageSize)
    .option("--arch <name>", "architecture of a bare state dict");
}

export function withBatch(command: Command): Command {
  return command.option("--batch <n>", "images run at once (default 8)", wholeNumber);
}

/** What openModel needs of the options. */
export function openOptions(options: ModelOptions): OpenOptions {
  const { threads, device, preprocess, labels, imageSize: image } = options;
  return {
    device,
    ...(threads === undefined ? {} : { threads }),
    ...(preprocess === undefined ? {} : { preprocess }),
    ...(labels === undefined ? {} : { labels }),
    ...(image === undefined ? {} : { imageSize: image }),
  };
}

/** For an option that may be repeated. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("it must be a whole number, 1 or more.");
  return value;
}

export function seedNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new InvalidArgumentError("it must be a whole number from 0 to 4294967295.");
  }
  return value;
}

function imageSize(text: string): readonly [number, number] {
  const match = /^(\d+)x(\d+)$/.exec(text);
  const [height, width] = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
  if (height < 1 || width < 1) throw new InvalidArgumentError("write height x width, e.g. 224x224.");
  return [height, width];
}

/**
 * @file The checkpoint that a training starts from, in the layout that it will be saved in, with everything that is known
 * of it beside its weights: how pictures are prepared, what a person should know.
 */
import type { Preprocessing } from "../../../imaging/preprocessing.js";
import type { TranslationOptions } from "../../../models/hugging-face/translate/index.js";
import { checkedPlan } from "../../../models/index.js";
import { expressibleFor, type Trainable, trainable } from "../../../models/trainable.js";
import { trunkOf } from "../../../models/trunk.js";
import { VitreousError } from "../../../onnx/errors.js";
import { firstBlocks } from "../../first-blocks.js";
import type { FinetuneOptions } from "../options.js";
import { type OpenChoices, openForTraining } from "./checkpoint.js";

export interface BaseRequest {
  /** A checkpoint, or what says the architecture where `options.scratch` is set. */
  readonly path: string;
  readonly open: OpenChoices;
  readonly options: Pick<FinetuneOptions, "depth" | "scratch" | "seed">;
  /** The classes; undefined: the trunk alone, which gives features. */
  readonly labels: readonly string[] | undefined;
  /** Whether there is to be a distillation token with a classifier of its own. */
  readonly distilled: TranslationOptions["distilled"];
}

export interface Base {
  readonly base: Trainable;
  /** As the library that the model is saved for will do it. */
  readonly preprocessing: Preprocessing;
  /** Of the checkpoint's files of weights; of the description where they are drawn. */
  readonly sha256: string;
  readonly notes: readonly string[];
  /** Closes the checkpoint's files, which `base` reads from. */
  readonly close: () => Promise<void>;
}

/** @throws VitreousError: no checkpoint, one that cannot be trained or saved; from scratch, no architecture */
export async function openBase(request: BaseRequest): Promise<Base> {
  const { path, labels, options, open, distilled } = request;
  const { scratch, seed, depth } = options;
  const drawn = scratch ? { seed, ...(labels && { labels }) } : undefined;
  const checkpoint = await openForTraining({ path, open, scratch: drawn });
  const { description, tensors, prepared, close } = checkpoint;
  return orClosed(path, close, async () => {
    // A drawn model is for these classes and images already.
    const wanted = { prepared, seed, distilled, ...(scratch ? {} : { image: open.imageSize }) };
    const whole =
      labels === undefined
        ? trunkOf(description, tensors, wanted)
        : trainable(description, tensors, scratch ? wanted : { ...wanted, labels });
    const base = depth === 0 ? whole : firstBlocks(whole, depth);
    const { input } = checkedPlan(base.description, base.tensors, {});
    const settled = checkpoint.preparation(input);
    const { preprocessing, notes: preparation } = expressibleFor(base.description, settled.preprocessing);
    return {
      base,
      preprocessing,
      sha256: checkpoint.sha256,
      notes: [
        ...checkpoint.notes,
        ...settled.warnings.map((warning) => `warning: ${warning}`),
        ...preparation,
        ...base.notes,
      ],
      close,
    };
  });
}

/** Runs `work`, which needs the files; when it fails they are closed, and what is thrown says which model it is about. */
export async function orClosed<T>(
  path: string,
  close: () => Promise<void>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await close();
    if (!(error instanceof VitreousError) || error.message.includes(path)) throw error;
    throw new VitreousError(`${path}: ${error.message}`, { cause: error });
  }
}

/** @throws VitreousError where pictures are prepared otherwise than [channels, height, width] of the model's input */
export function holdSize(
  input: readonly unknown[],
  dims: readonly number[],
  { source }: Preprocessing,
): void {
  if (input.join() === dims.join()) return;
  throw new VitreousError(
    `the model takes images of [${input.join(", ")}], but ${source} prepares [${dims.join(", ")}]; give the right way with --preprocess FILE`,
  );
}

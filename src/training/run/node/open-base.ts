/**
 * @file The checkpoint that a training starts from, in the layout that it will be saved in, with everything that is known
 * of it beside its weights: how pictures are prepared, what a person should know.
 */
import { type OpenOptions, openModel } from "../../../api/node/open.js";
import { outputSize, type Preprocessing } from "../../../imaging/preprocessing.js";
import { downloadModel, isHubName } from "../../../models/node/hub.js";
import { describeCheckpoint } from "../../../models/node/open.js";
import { expressibleFor, type Trainable, trainable } from "../../../models/trainable.js";
import { trunkOf } from "../../../models/trunk.js";
import { VitreousError } from "../../../onnx/errors.js";
import { parseSpec } from "../../../spec.js";
import { firstBlocks } from "../../first-blocks.js";
import type { FinetuneOptions } from "../options.js";

export type OpenChoices = Pick<
  OpenOptions,
  "arch" | "preprocess" | "imageSize" | "threads" | "device" | "signal" | "onProgress"
>;

export interface BaseRequest {
  readonly path: string;
  readonly open: OpenChoices;
  readonly options: Pick<FinetuneOptions, "depth" | "seed">;
  /** The classes; undefined: the trunk alone, which gives features. */
  readonly labels: readonly string[] | undefined;
  /** Whether there is to be a distillation token with a classifier of its own. */
  readonly distilled: boolean;
}

export interface Base {
  readonly base: Trainable;
  /** As the library that the model is saved for will do it. */
  readonly preprocessing: Preprocessing;
  /** Of the checkpoint's files. */
  readonly sha256: string | undefined;
  readonly notes: readonly string[];
  /** Closes the checkpoint's files, which `base` reads from. */
  readonly close: () => Promise<void>;
}

/** @throws VitreousError: no checkpoint, one that cannot be trained or saved */
export async function openBase(request: BaseRequest): Promise<Base> {
  const { labels, options, open, distilled } = request;
  const path = await checkpointPath(request.path, open);
  const opened = await openModel(path, open);
  await opened.close();
  const { facts, anatomy } = opened;
  const { close, ...checkpoint } = await describeCheckpoint(
    path,
    open.arch === undefined ? undefined : parseSpec(open.arch),
  );
  return orClosed(request.path, close, async () => {
    const wanted = {
      image: open.imageSize,
      prepared: outputSize(opened.preprocessing),
      seed: options.seed,
      ...(distilled && { distilled }),
    };
    const { description, tensors } = checkpoint;
    const whole =
      labels === undefined
        ? trunkOf(description, tensors, wanted)
        : trainable(description, tensors, { ...wanted, labels });
    const base = options.depth === 0 ? whole : firstBlocks(whole, options.depth);
    const { preprocessing, notes: preparation } = expressibleFor(base.description, opened.preprocessing);
    return {
      base,
      preprocessing,
      sha256: facts.sha256,
      notes: [
        ...opened.notes,
        ...opened.warnings.map((warning) => `warning: ${warning}`),
        ...preparation,
        ...(anatomy.family === "unknown" ? ["the model is not recognised as a transformer"] : []),
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

async function checkpointPath(path: string, open: OpenChoices): Promise<string> {
  if (/\.onnx$/i.test(path)) throw graph(path);
  if (!isHubName(path)) return path;
  const { signal, onProgress } = open;
  const { folder, onnx } = await downloadModel(path, {
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  if (onnx !== undefined) throw graph(path);
  return folder;
}

const graph = (path: string): VitreousError =>
  new VitreousError(
    `${path} is an ONNX graph, which cannot be fine-tuned here; give the checkpoint that it was made from (a folder with config.json and model.safetensors, or a file of weights with --arch)`,
  );

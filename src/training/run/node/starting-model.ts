/** @file The model that training starts from: any checkpoint with the data set's classes, in the layout it is saved in. */
import { type OpenOptions, openModel } from "../../../api/node/open.js";
import type { Preprocessing } from "../../../imaging/preprocessing.js";
import { outputSize } from "../../../imaging/preprocessing.js";
import { type BuiltModel, buildModel } from "../../../models/index.js";
import { downloadModel, isHubName } from "../../../models/node/hub.js";
import { describeCheckpoint } from "../../../models/node/open.js";
import { expressibleFor, type Trainable, trainable } from "../../../models/trainable.js";
import { VitreousError } from "../../../onnx/errors.js";
import { elementCount } from "../../../onnx/tensor.js";
import { parseSpec } from "../../../spec.js";
import { preparedDims } from "../../data/prepare.js";
import { firstBlocks } from "../../first-blocks.js";
import { depthsOf, frozenButLast, frozenTrunk } from "../../layer-decay.js";
import { type ParameterSet, parameterSet } from "../../parameters.js";
import type { FinetuneOptions } from "../options.js";

export type OpenChoices = Pick<
  OpenOptions,
  "arch" | "preprocess" | "imageSize" | "threads" | "device" | "signal" | "onProgress"
>;

export interface StartingModel {
  readonly base: Trainable;
  readonly built: BuiltModel;
  readonly parameters: ParameterSet;
  /** As the library that the model is saved for will do it. */
  readonly preprocessing: Preprocessing;
  /** Of the checkpoint's files. */
  readonly sha256: string | undefined;
  /** [channels, height, width] of an image. */
  readonly dims: readonly [number, number, number];
  /** Numbers in the checkpoint's tensors. */
  readonly counts: { readonly trained: number; readonly frozen: number };
  readonly notes: readonly string[];
  /** Closes the checkpoint's files, which `base` reads from. */
  readonly close: () => Promise<void>;
}

export interface ModelRequest {
  readonly path: string;
  readonly labels: readonly string[];
  readonly options: Pick<FinetuneOptions, "depth" | "freeze" | "seed">;
  readonly open: OpenChoices;
  /** Whether there is to be a distillation token with a classifier of its own. */
  readonly distilled: boolean;
}

/** @throws VitreousError: no checkpoint, one that cannot be trained or saved, images of another size than the model's */
export async function startingModel(request: ModelRequest): Promise<StartingModel> {
  const { labels, options, open } = request;
  const path = await checkpointPath(request.path, open);
  const opened = await openModel(path, open);
  await opened.close();
  const { facts, anatomy } = opened;
  const checkpoint = await describeCheckpoint(
    path,
    open.arch === undefined ? undefined : parseSpec(open.arch),
  );
  try {
    const whole = trainable(checkpoint.description, checkpoint.tensors, {
      labels,
      image: open.imageSize,
      prepared: outputSize(opened.preprocessing),
      seed: options.seed,
      ...(request.distilled && { distilled: true }),
    });
    const base = options.depth === 0 ? whole : firstBlocks(whole, options.depth);
    const { preprocessing, notes: preparation } = expressibleFor(base.description, opened.preprocessing);
    const built = await buildModel(base.description, base.tensors);
    const dims = preparedDims(preprocessing);
    const input = (built.model.graph.inputs[0]?.shape ?? []).slice(1);
    if (input.join() !== dims.join())
      throw new VitreousError(
        `the model takes images of [${input.join(", ")}], but ${preprocessing.source} prepares [${dims.join(", ")}]; give the right way with --preprocess FILE`,
      );
    const frozen = frozenBy(options.freeze, [...base.tensors.keys()]);
    const parameters = await parameterSet(built, base.tensors, { frozen });
    const all = [...base.tensors.values()].reduce((n, { dims: d }) => n + elementCount(d), 0);
    const trained = parameters.parameters.reduce((n, { values }) => n + values.length, 0);
    return {
      base,
      built,
      parameters,
      preprocessing,
      sha256: facts.sha256,
      dims,
      counts: { trained, frozen: all - trained },
      notes: [
        ...opened.notes,
        ...opened.warnings.map((warning) => `warning: ${warning}`),
        ...preparation,
        ...(anatomy.family === "unknown" ? ["the model is not recognised as a transformer"] : []),
        ...base.notes,
      ],
      close: checkpoint.close,
    };
  } catch (error) {
    await checkpoint.close();
    if (!(error instanceof VitreousError) || error.message.includes(request.path)) throw error;
    throw new VitreousError(`${request.path}: ${error.message}`, { cause: error });
  }
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

/** Which tensors keep their values. */
function frozenBy(freeze: string, names: readonly string[]): (name: string) => boolean {
  if (freeze === "none") return () => false;
  const depths = depthsOf(names);
  if (freeze === "head") return frozenTrunk(depths);
  const count = Number(freeze.slice("blocks:".length));
  if (count > depths.blocks)
    throw new VitreousError(
      `the model has ${depths.blocks} blocks; the last ${count} of them cannot be trained`,
    );
  return frozenButLast(depths, count);
}

/** @file The model that fine-tuning starts from: any checkpoint with the data set's classes, in the layout it is saved in. */
import type { TranslationOptions } from "../../../models/hugging-face/translate/index.js";
import { type BuiltModel, buildModel } from "../../../models/index.js";
import { VitreousError } from "../../../onnx/errors.js";
import { elementCount } from "../../../onnx/tensor.js";
import { preparedDims } from "../../data/prepare.js";
import { depthsOf, frozenButLast, frozenTrunk } from "../../layer-decay.js";
import type { ParameterSet } from "../../parameters.js";
import type { SizedModel } from "../../plan.js";
import { mixedSizes } from "../../sizes.js";
import type { FinetuneOptions } from "../options.js";
import type { OpenChoices } from "./checkpoint.js";
import { type Base, holdSize, openBase, orClosed } from "./open-base.js";

export interface StartingModel extends Base {
  readonly built: BuiltModel;
  readonly parameters: ParameterSet;
  /** The same for the other image sizes of its training. */
  readonly sizes: readonly SizedModel[];
  /** [channels, height, width] of an image. */
  readonly dims: readonly [number, number, number];
  /** Numbers in the checkpoint's tensors. */
  readonly counts: { readonly trained: number; readonly frozen: number };
}

export interface ModelRequest {
  readonly path: string;
  readonly labels: readonly string[];
  readonly options: Pick<FinetuneOptions, "depth" | "freeze" | "imageSizes" | "scratch" | "seed">;
  readonly open: OpenChoices;
  /** Whether there is to be a distillation token with a classifier of its own. */
  readonly distilled: TranslationOptions["distilled"];
}

/** @throws VitreousError: no checkpoint, one that cannot be trained or saved, images of another size than the model's */
export async function startingModel(request: ModelRequest): Promise<StartingModel> {
  const { path, options } = request;
  const opened = await openBase(request);
  return orClosed(path, opened.close, async () => {
    const { base, preprocessing } = opened;
    const dims = preparedDims(preprocessing);
    const frozen = frozenBy(options.freeze, [...base.tensors.keys()]);
    const { built, parameters, sizes } = await mixedSizes(
      (image) => buildModel(base.description, base.tensors, { image }),
      options.imageSizes,
      base.tensors,
      { frozen },
    );
    holdSize((built.model.graph.inputs[0]?.shape ?? []).slice(1), dims, preprocessing);
    const all = [...base.tensors.values()].reduce((n, { dims: d }) => n + elementCount(d), 0);
    const trained = parameters.parameters.reduce((n, { values }) => n + values.length, 0);
    return { ...opened, built, parameters, sizes, dims, counts: { trained, frozen: all - trained } };
  });
}

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

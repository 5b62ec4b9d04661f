/** @file The model of a pretraining: opened without its classifier, given DINO's head, and trained as the options say. */
import { checkedPlan } from "../../../../models/index.js";
import { VitreousError } from "../../../../onnx/errors.js";
import { type MultiCropOptions, multiCropOptions } from "../../../data/multi-crop-options.js";
import { preparedDims } from "../../../data/prepare.js";
import { type Base, holdSize, openBase, orClosed } from "../../../run/node/open-base.js";
import { localSizeOf } from "../../local-size.js";
import { type DinoModel, dinoModel } from "../../model.js";
import type { DinoTrainerOptions } from "../../types.js";
import type { PretrainOptions } from "../options.js";
import type { PretrainRequest } from "./request.js";

/** A model ready for its crops. */
export interface Student extends Base {
  /** [channels, height, width] of large crops, and of pictures whose features are computed. */
  readonly dims: readonly [number, number, number];
  readonly crops: MultiCropOptions;
}

/** @throws VitreousError as `openBase`, for images of another size than the model's, and for small crops above it */
export async function openStudent({
  model: path,
  options,
  open: choices,
}: PretrainRequest): Promise<Student> {
  const opened = await openBase({ path, open: choices, options, labels: undefined, distilled: false });
  return orClosed(path, opened.close, async () => {
    const { base, preprocessing } = opened;
    const plan = checkedPlan(base.description, base.tensors, {});
    const dims = preparedDims(preprocessing);
    holdSize(plan.input, dims, preprocessing);
    const crops = multiCropOptions({
      ...options.crops,
      ...(options.crops.localSize === undefined && { localSize: localSizeOf(plan) }),
    });
    const [, height, width] = dims;
    const [rows, columns] = crops.localSize;
    if (crops.locals > 0 && (rows > height || columns > width)) {
      throw new VitreousError(
        `Small crops of ${rows}×${columns} are larger than the large ones, which are the model's ${height}×${width}: DINO shows the student a part of what the teacher sees.`,
      );
    }
    return { ...opened, dims, crops };
  });
}

/** @throws VitreousError for a backbone that cannot be given the head, or run on the small crops */
export function dinoOf(
  { base, dims: [, height, width], crops }: Student,
  options: PretrainOptions,
): Promise<DinoModel> {
  return dinoModel(base, {
    head: {
      out: options.prototypes,
      hidden: options.hidden,
      bottleneck: options.bottleneck,
      layers: options.headLayers,
      normLast: options.normLast,
    },
    globalSize: [height, width],
    localSize: crops.locals > 0 ? crops.localSize : undefined,
    studentTemperature: options.studentTemperature,
    seed: options.seed,
  });
}

/** The trainer's names for what was chosen. */
export const recipeOf = (options: PretrainOptions): Omit<DinoTrainerOptions, "stepsPerEpoch"> => ({
  batch: options.batch,
  epochs: options.epochs,
  learningRate: options.learningRate,
  leastLearningRate: options.leastLearningRate,
  warmupEpochs: options.warmup,
  weightDecay: options.weightDecay,
  finalWeightDecay: options.finalWeightDecay,
  clip: options.clip === 0 ? undefined : options.clip,
  freezeLastEpochs: options.freezeLast,
  momentum: options.momentum,
  teacherTemperature: options.teacherTemperature,
  warmupTeacherTemperature: options.warmupTeacherTemperature,
  warmupTeacherTemperatureEpochs: options.temperatureWarmup,
  centreMomentum: options.centreMomentum,
  dropPath: options.dropPath,
  seed: options.seed,
});

/** @file DINO's numbers as published, and how they change from step to step (facebookresearch/dino, main_dino.py). */
import { VitreousError } from "../../onnx/errors.js";
import type { TrainerOptions } from "../plan.js";
import { rampValues } from "../schedule.js";
import { isOfLastLayer } from "./head.js";
import type { DinoTrainerOptions } from "./types.js";

/** Images a step that the published learning rate is for. */
const RATED_BATCH = 256;

/** What of a trainer's options the recipe settles. */
export type RecipeOptions = Required<
  Pick<
    TrainerOptions,
    "batch" | "objective" | "schedule" | "adamw" | "averaging" | "held" | "dropPath" | "seed"
  >
> &
  Pick<TrainerOptions, "clip" | "clipEach">;

export interface Recipe {
  readonly trainer: RecipeOptions;
  /** The teacher's, by step. */
  readonly temperature: (step: number) => number;
  /** How much of the teacher stays, by step. */
  readonly momentum: (step: number) => number;
  readonly weightDecay: (step: number) => number;
  readonly centreMomentum: number;
}

function whole(what: string, value: number): void {
  if (!Number.isInteger(value) || value < 1)
    throw new VitreousError(`DINO's ${what} must be a whole number above 0, not ${value}.`);
}

function share(what: string, value: number, most = 1): void {
  if (!(value >= 0 && value <= most))
    throw new VitreousError(`DINO's ${what} must be between 0 and ${most}, not ${value}.`);
}

/** @throws VitreousError for numbers that make no training */
export function recipeOf(options: DinoTrainerOptions): Recipe {
  const { batch, epochs, stepsPerEpoch, dropPath = 0.1, seed = 0 } = options;
  for (const [what, value] of Object.entries({ batch, epochs, "steps per epoch": stepsPerEpoch }))
    whole(what, value);
  const { learningRate = 5e-4, leastLearningRate = 1e-6, warmupEpochs = Math.min(10, epochs) } = options;
  const { weightDecay = 0.04, finalWeightDecay = 0.4, momentum = 0.996, centreMomentum = 0.9 } = options;
  const { freezeLastEpochs = 1 } = options;
  const clip = "clip" in options ? options.clip : 3;
  share("warm-up in epochs", warmupEpochs, epochs);
  share("epochs with a frozen last layer", freezeLastEpochs, epochs);
  share("centre's momentum", centreMomentum);
  const steps = epochs * stepsPerEpoch;
  const averaging = { decay: { from: momentum, to: 1, steps } };
  const decay = { from: weightDecay, to: finalWeightDecay, steps };
  const temperatures = teacherTemperatures(options);
  return {
    trainer: {
      batch,
      objective: { kind: "cross-entropy" },
      schedule: {
        kind: "cosine",
        peak: (learningRate * batch) / RATED_BATCH,
        least: leastLearningRate,
        warmup: Math.round(warmupEpochs * stepsPerEpoch),
        start: 0,
        steps,
      },
      adamw: { weightDecay: decay },
      averaging,
      held: { names: isOfLastLayer, steps: Math.round(freezeLastEpochs * stepsPerEpoch) },
      dropPath,
      seed,
      ...(clip === undefined ? {} : { clip, clipEach: true }),
    },
    temperature: (step) => temperatures(Math.floor(step / stepsPerEpoch)),
    momentum: rampValues(averaging.decay),
    weightDecay: rampValues(decay),
    centreMomentum,
  };
}

/** By epoch: evenly from the first to the last of the warm-up, then constant. */
function teacherTemperatures(options: DinoTrainerOptions): (epoch: number) => number {
  const { teacherTemperature: last = 0.04, warmupTeacherTemperature: first = 0.04 } = options;
  const { warmupTeacherTemperatureEpochs: warmup = 0, epochs } = options;
  for (const temperature of [first, last])
    if (!(temperature > 0 && Number.isFinite(temperature)))
      throw new VitreousError(`The teacher's temperature must be a number above 0, not ${temperature}.`);
  if (!Number.isInteger(warmup) || warmup < 0 || warmup > epochs)
    throw new VitreousError(
      `The warm-up of the teacher's temperature must be a whole number of epochs up to the training's ${epochs}, not ${warmup}.`,
    );
  return (epoch) => (epoch < warmup ? first + ((last - first) * epoch) / Math.max(warmup - 1, 1) : last);
}

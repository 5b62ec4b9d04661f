/** @file What a training is set to, checked, and what of it the worker has to know. */
import type { BuiltModel } from "../models/index.js";
import { VitreousError } from "../onnx/errors.js";
import type { Averaging } from "./ema.js";
import { layerRate } from "./layer-decay.js";
import type { ParameterSet } from "./parameters.js";
import { type Ramp, rampValues, type Schedule } from "./schedule.js";
import type { Objective, StepGraph } from "./types.js";
import type { GraphPlan, Plan } from "./worker/protocol.js";

/** torch.optim.AdamW's own. */
const ADAMW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };

/** A checkpoint's graph for one image size, and what is trained of it. */
export interface SizedModel {
  readonly model: BuiltModel["model"];
  readonly parameters: ParameterSet;
}

export interface TrainerOptions extends SizedModel {
  /** The same model for other image sizes, with the same parameters: `mixedSizes` makes them. None by default. */
  readonly sizes?: readonly SizedModel[];
  /** Images a run. */
  readonly batch: number;
  readonly objective: Objective;
  readonly schedule: Schedule;
  /** AdamW's settings; torch.optim.AdamW's by default. */
  readonly adamw?: {
    readonly beta1?: number;
    readonly beta2?: number;
    readonly epsilon?: number;
    readonly weightDecay?: number | Ramp;
  };
  /** Learning rates shrink by this factor with each block away from the head; 1 (not at all) by default. */
  readonly layerDecay?: number;
  /** Largest global norm of the gradient; not clipped by default. */
  readonly clip?: number;
  /** Whether `clip` is for each parameter's gradient by itself; false by default. */
  readonly clipEach?: boolean;
  /** Parameters that the first steps leave as they are. */
  readonly held?: { readonly names: (parameter: string) => boolean; readonly steps: number };
  /** Keeps a running average of the weights beside them. */
  readonly averaging?: Averaging;
  /** See `StepGraphOptions`. */
  readonly dropPath?: number;
  /** See `StepGraphOptions`. */
  readonly dropout?: number;
  /** Whether steps give their logits; true by default. Without, they are not brought over from the worker. */
  readonly logits?: boolean;
  /** Of what the trainer draws: skipped branches, zeroed elements. 0 by default. */
  readonly seed?: number;
}

function positive(what: string, value: number | undefined): void {
  if (value !== undefined && !(value > 0 && Number.isFinite(value)))
    throw new VitreousError(`${what} must be a number above 0, not ${value}.`);
}

/** The weight decay of each step. */
export const weightDecays = ({ adamw }: TrainerOptions): ((step: number) => number) =>
  rampValues(adamw?.weightDecay ?? ADAMW.weightDecay);

/** @throws VitreousError for settings that make no training */
export function planOf(options: TrainerOptions): Plan {
  const { parameters: set, layerDecay = 1, clip, clipEach = false, held, averaging } = options;
  const { weightDecay, beta1, beta2, epsilon } = { ...ADAMW, ...options.adamw };
  positive("The largest norm of the gradient", clip);
  positive("The layers' decay of the learning rate", layerDecay);
  if (layerDecay > 1)
    throw new VitreousError(`The layers' decay of the learning rate must be at most 1, not ${layerDecay}.`);
  positive("AdamW's epsilon", epsilon);
  const { from, to } = typeof weightDecay === "number" ? { from: weightDecay, to: weightDecay } : weightDecay;
  for (const decay of [from, to])
    if (!(decay >= 0)) throw new VitreousError(`The weight decay must be at least 0, not ${decay}.`);
  for (const beta of [beta1, beta2])
    if (!(beta >= 0 && beta < 1))
      throw new VitreousError(`AdamW's betas must be at least 0 and below 1, not ${beta}.`);
  return {
    parameters: set.parameters.map(({ name, dims, decay, depth, direct }) => ({
      name,
      dims,
      rate: layerRate(layerDecay, depth, set.blocks),
      decay,
      direct,
      held: held?.names(name) ?? false,
    })),
    beta1,
    beta2,
    epsilon,
    clip,
    clipEach,
    averaged: averaging !== undefined,
  };
}

/** What the outputs of a step graph are. */
export function graphPlanOf(
  { outputs }: StepGraph,
  { parameters, computed }: ParameterSet,
  { logits = true }: Pick<TrainerOptions, "logits">,
): GraphPlan {
  const gradientOf = (constant: string): string => {
    const name = outputs.gradients.get(constant);
    if (name === undefined) throw new RangeError(`the step graph has no gradient of ${constant}`);
    return name;
  };
  return {
    gradients: new Map(parameters.flatMap(({ name, direct }) => (direct ? [[name, gradientOf(name)]] : []))),
    computed: [...computed].map(([name, dims]) => ({ name, dims, gradient: gradientOf(name) })),
    losses: outputs.losses,
    logits: logits ? outputs.logits : undefined,
  };
}

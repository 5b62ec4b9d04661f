/** @file What a training is set to, checked, and what of it the worker has to know. */
import type { BuiltModel } from "../models/index.js";
import { VitreousError } from "../onnx/errors.js";
import type { Averaging } from "./ema.js";
import { layerRate } from "./layer-decay.js";
import type { ParameterSet } from "./parameters.js";
import type { Schedule } from "./schedule.js";
import type { Objective, StepGraph } from "./types.js";
import type { Plan } from "./worker/protocol.js";

/** torch.optim.AdamW's own. */
const ADAMW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };

export interface TrainerOptions {
  readonly model: BuiltModel["model"];
  readonly parameters: ParameterSet;
  /** Images a run. */
  readonly batch: number;
  readonly objective: Objective;
  readonly schedule: Schedule;
  /** AdamW's settings; torch.optim.AdamW's by default. */
  readonly adamw?: {
    readonly beta1?: number;
    readonly beta2?: number;
    readonly epsilon?: number;
    readonly weightDecay?: number;
  };
  /** Learning rates shrink by this factor with each block away from the head; 1 (not at all) by default. */
  readonly layerDecay?: number;
  /** Largest global norm of the gradient; not clipped by default. */
  readonly clip?: number;
  /** Keeps a running average of the weights beside them. */
  readonly averaging?: Averaging;
  /** See `StepGraphOptions`. */
  readonly dropPath?: number;
  /** Of what the trainer draws: skipped branches. 0 by default. */
  readonly seed?: number;
}

function positive(what: string, value: number | undefined): void {
  if (value !== undefined && !(value > 0 && Number.isFinite(value)))
    throw new VitreousError(`${what} must be a number above 0, not ${value}.`);
}

/** @throws VitreousError for settings that make no training */
export function planOf(graph: StepGraph, options: TrainerOptions): Plan {
  const { parameters: set, layerDecay = 1, clip, averaging } = options;
  const { weightDecay, beta1, beta2, epsilon } = { ...ADAMW, ...options.adamw };
  positive("The largest norm of the gradient", clip);
  positive("The layers' decay of the learning rate", layerDecay);
  if (layerDecay > 1)
    throw new VitreousError(`The layers' decay of the learning rate must be at most 1, not ${layerDecay}.`);
  positive("AdamW's epsilon", epsilon);
  if (!(weightDecay >= 0))
    throw new VitreousError(`The weight decay must be at least 0, not ${weightDecay}.`);
  for (const beta of [beta1, beta2])
    if (!(beta >= 0 && beta < 1))
      throw new VitreousError(`AdamW's betas must be at least 0 and below 1, not ${beta}.`);
  const gradientOf = (constant: string): string => {
    const name = graph.outputs.gradients.get(constant);
    if (name === undefined) throw new RangeError(`the step graph has no gradient of ${constant}`);
    return name;
  };
  return {
    parameters: set.parameters.map(({ name, dims, decay, depth, direct }) => ({
      name,
      dims,
      rate: layerRate(layerDecay, depth, set.blocks),
      decay: decay ? weightDecay : 0,
      gradient: direct ? gradientOf(name) : undefined,
    })),
    computed: [...set.computed].map(([name, dims]) => ({ name, dims, gradient: gradientOf(name) })),
    losses: graph.outputs.losses,
    logits: graph.outputs.logits,
    beta1,
    beta2,
    epsilon,
    clip,
    averaged: averaging !== undefined,
  };
}

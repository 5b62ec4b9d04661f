/**
 * @file The loop of a pretraining: epochs of steps, an evaluation of the features now and then. Everything that decides
 * what comes next is in one value, so that a run that was killed goes on exactly where it was.
 */
import type { LoopProgress } from "../../run/loop.js";
import { runSteps, type StepsOptions } from "../../run/steps.js";
import type { DinoBatch, DinoStepResult, DinoTrainer } from "../types.js";
import type { PretrainingEpoch, QuickEvaluation } from "./record.js";

/** Sums over the part of an epoch that is done, and what the last step said. */
export interface PretrainingSums
  extends Pick<DinoStepResult, "learningRate" | "weightDecay" | "momentum" | "teacherTemperature"> {
  readonly steps: number;
  readonly images: number;
  readonly refusedSteps: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly teacherEntropy: number;
  readonly seconds: number;
}

export interface PretrainingState {
  /** Of the features before the first step. */
  readonly before?: QuickEvaluation;
  readonly curve: readonly PretrainingEpoch[];
  readonly under: PretrainingSums;
}

const NOTHING: PretrainingSums = {
  steps: 0,
  images: 0,
  refusedSteps: 0,
  loss: 0,
  gradientNorm: 0,
  teacherEntropy: 0,
  learningRate: 0,
  weightDecay: 0,
  momentum: 0,
  teacherTemperature: 0,
  seconds: 0,
};

export const PRETRAINING_START: PretrainingState = { curve: [], under: NOTHING };

export interface PretrainingLoop
  extends Pick<StepsOptions<unknown, unknown, unknown>, "saveEvery" | "signal" | "now"> {
  readonly trainer: Pick<DinoTrainer, "step">;
  readonly epochs: number;
  /** The batches of an epoch (from 0), from the given one on; always the same for the same epoch. */
  readonly batches: (epoch: number, from: number) => AsyncIterable<DinoBatch>;
  /** Of the features as they are; undefined where the images have no labels. Throws the signal's reason when it is aborted. */
  readonly evaluate: (() => Promise<QuickEvaluation>) | undefined;
  /** Epochs from one evaluation to the next; the last epoch has one anyway. */
  readonly evaluateEvery: number;
  readonly save: (state: PretrainingState) => Promise<void>;
  readonly onBefore?: (evaluation: QuickEvaluation) => void;
  readonly onStep?: (progress: LoopProgress) => void;
  readonly onEpoch?: (record: PretrainingEpoch) => void;
}

/** Trains from a state to the end, which it gives. */
export async function runPretraining(
  options: PretrainingLoop,
  from: PretrainingState = PRETRAINING_START,
): Promise<PretrainingState> {
  const { epochs, evaluate, evaluateEvery, save, signal, onBefore, onEpoch, now = Date.now } = options;
  let state = from;
  if (evaluate !== undefined && state.before === undefined) {
    state = { ...state, before: await evaluate() };
    if (state.before !== undefined) onBefore?.(state.before);
    await save(state);
  }
  while (state.curve.length < epochs) {
    const under = await trainEpoch(options, state);
    const epoch = state.curve.length + 1;
    const started = now();
    const due = epoch % evaluateEvery === 0 || epoch === epochs;
    const evaluation = await (due ? evaluate?.() : undefined)?.catch(async (error: unknown) => {
      // The epoch's steps are not lost: a resumed run begins with the evaluation.
      if (signal?.aborted) await save({ ...state, under });
      throw error;
    });
    const record = recordOf(epoch, under, evaluation, (now() - started) / 1000);
    state = { ...state, curve: [...state.curve, record], under: NOTHING };
    await save(state);
    onEpoch?.(record);
  }
  return state;
}

function recordOf(
  epoch: number,
  under: PretrainingSums,
  evaluation: QuickEvaluation | undefined,
  evaluated: number,
): PretrainingEpoch {
  const { loss, gradientNorm, teacherEntropy, seconds, ...rest } = under;
  const applied = under.steps - under.refusedSteps;
  return {
    epoch,
    train: {
      ...rest,
      loss: loss / under.images,
      gradientNorm: gradientNorm / applied,
      teacherEntropy: teacherEntropy / applied,
    },
    ...(evaluation && { evaluation }),
    seconds: seconds + evaluated,
  };
}

/** The rest of an epoch. Throws the signal's reason once the state is saved. */
function trainEpoch(options: PretrainingLoop, state: PretrainingState): Promise<PretrainingSums> {
  const { trainer, batches, save, saveEvery, signal, now, onStep } = options;
  const epoch = state.curve.length;
  return runSteps<DinoBatch, DinoStepResult, PretrainingSums>({
    units: batches(epoch, state.under.steps),
    from: state.under,
    step: (batch) => trainer.step(batch),
    add(sums, { size }, { loss, gradientNorm, teacherEntropy, applied, ...last }, seconds) {
      const { learningRate, weightDecay, momentum, teacherTemperature } = last;
      return {
        learningRate,
        weightDecay,
        momentum,
        teacherTemperature,
        steps: sums.steps + 1,
        images: sums.images + (applied ? size : 0),
        refusedSteps: sums.refusedSteps + (applied ? 0 : 1),
        loss: sums.loss + (applied ? loss * size : 0),
        gradientNorm: sums.gradientNorm + (applied ? gradientNorm : 0),
        teacherEntropy: sums.teacherEntropy + (applied ? teacherEntropy : 0),
        seconds: sums.seconds + seconds,
      };
    },
    save: (under) => save({ ...state, under }),
    onStep({ images, loss, learningRate }) {
      onStep?.({ epoch: epoch + 1, images, loss: loss / images, learningRate });
    },
    saveEvery,
    ...(signal && { signal }),
    ...(now && { now }),
  });
}

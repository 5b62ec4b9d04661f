/**
 * @file The loop: epochs of steps, a validation after each, the best weights kept, an end when nothing gets better.
 * Everything that decides what comes next is in one value, the state, so that a run that was killed goes on exactly
 * where it was. It knows neither files nor screens.
 */
import type { QuickScores } from "../metrics/scores.js";
import type { StepResult, TrainingBatch } from "../types.js";
import { runSteps } from "./steps.js";

/** What the loop needs of a trainer. */
export interface LoopTrainer {
  step(batches: readonly TrainingBatch[]): Promise<StepResult>;
}

export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  readonly train: {
    /** Mean over the epoch's images, with augmentation and smoothed targets. */
    readonly loss: number;
    readonly images: number;
    readonly steps: number;
    /** Steps whose loss or gradient was no finite number; they changed nothing. */
    readonly refusedSteps: number;
    /** Mean global norm before clipping, of the steps that were applied. */
    readonly gradientNorm: number;
    /** Of the last step. */
    readonly learningRate: number;
  };
  readonly validation: QuickScores;
  readonly seconds: number;
}

/** Sums over the part of an epoch that is done. */
export interface EpochSums {
  /** Batches taken. */
  readonly batches: number;
  readonly loss: number;
  readonly images: number;
  readonly steps: number;
  readonly refusedSteps: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly seconds: number;
}

export interface LoopState {
  readonly curve: readonly EpochRecord[];
  readonly under: EpochSums;
  /** The epoch whose weights are kept, from 1. */
  readonly best?: { readonly epoch: number } & QuickScores;
  /** Why training is over. */
  readonly ended?: "all epochs are done" | "no epoch got better";
}

const NOTHING: EpochSums = {
  batches: 0,
  loss: 0,
  images: 0,
  steps: 0,
  refusedSteps: 0,
  gradientNorm: 0,
  learningRate: 0,
  seconds: 0,
};

export const START: LoopState = { curve: [], under: NOTHING };

export interface LoopProgress {
  /** From 1. */
  readonly epoch: number;
  /** Images trained on in this epoch. */
  readonly images: number;
  /** Mean loss of the epoch so far. */
  readonly loss: number;
  readonly learningRate: number;
}

export interface LoopOptions {
  readonly trainer: LoopTrainer;
  readonly epochs: number;
  /** Batches whose gradients make one step. */
  readonly accumulate: number;
  /** Epochs in a row without a better one after which training ends; never by default. */
  readonly patience?: number;
  /** The batches of an epoch (from 0), from the given one on; always the same for the same epoch. */
  readonly batches: (epoch: number, from: number) => AsyncIterable<TrainingBatch>;
  /** Throws the signal's reason when it is aborted. */
  readonly validate: () => Promise<QuickScores>;
  /** Keeps the weights as they are now, as the best. Called before `save` of the state that names them. */
  readonly keepBest: (epoch: number) => Promise<void>;
  readonly save: (state: LoopState) => Promise<void>;
  /** Milliseconds between two saves within an epoch. */
  readonly saveEvery: number;
  /** When aborted: the step under way is ended, the state saved, and the signal's reason thrown. */
  readonly signal?: AbortSignal;
  readonly onStep?: (progress: LoopProgress) => void;
  readonly onEpoch?: (record: EpochRecord, best: boolean) => void;
  /** Milliseconds, for the times in the record. */
  readonly now?: () => number;
}

/** Whether an epoch is better: by balanced accuracy, and by a lower loss where that is equal. */
export function better(one: QuickScores, other: QuickScores | undefined): boolean {
  if (other === undefined) return true;
  if (one.balancedAccuracy !== other.balancedAccuracy) return one.balancedAccuracy > other.balancedAccuracy;
  return one.loss < other.loss;
}

/** Trains from a state to the end, which it gives. */
export async function runLoop(options: LoopOptions, from: LoopState = START): Promise<LoopState> {
  const { epochs, patience, keepBest, save, validate, signal, onEpoch, now = Date.now } = options;
  let state = from;
  while (state.ended === undefined) {
    const under = await trainEpoch(options, state);
    const started = now();
    const validation = await validate().catch(async (error: unknown) => {
      // The epoch's steps are not lost: a resumed run begins with the validation.
      if (signal?.aborted) await save({ ...state, under });
      throw error;
    });
    const epoch = state.curve.length + 1;
    const record: EpochRecord = {
      epoch,
      train: {
        loss: under.loss / under.images,
        images: under.images,
        steps: under.steps,
        refusedSteps: under.refusedSteps,
        gradientNorm: under.gradientNorm / (under.steps - under.refusedSteps),
        learningRate: under.learningRate,
      },
      validation,
      seconds: under.seconds + (now() - started) / 1000,
    };
    const isBest = better(validation, state.best);
    if (isBest) await keepBest(epoch);
    const best = isBest ? { epoch, ...validation } : state.best;
    const ended =
      epoch >= epochs
        ? "all epochs are done"
        : patience !== undefined && best !== undefined && epoch - best.epoch >= patience
          ? "no epoch got better"
          : undefined;
    state = {
      curve: [...state.curve, record],
      under: NOTHING,
      ...(best && { best }),
      ...(ended && { ended }),
    };
    await save(state);
    onEpoch?.(record, isBest);
  }
  return state;
}

/** Sample weights of which each batch's make up a mean: shared out by images, so that all make up one. */
function asOneLoss(batches: readonly TrainingBatch[]): readonly TrainingBatch[] {
  if (batches.length === 1) return batches;
  const images = batches.reduce((n, { size }) => n + size, 0);
  return batches.map((b) => ({ ...b, sampleWeights: b.sampleWeights.map((w) => (w * b.size) / images) }));
}

/** The rest of an epoch. Throws the signal's reason once the state is saved. */
function trainEpoch(options: LoopOptions, state: LoopState): Promise<EpochSums> {
  const { trainer, accumulate, batches, save, onStep } = options;
  const epoch = state.curve.length;
  return runSteps<readonly TrainingBatch[], StepResult, EpochSums>({
    ...options,
    units: together(batches(epoch, state.under.batches), accumulate),
    from: state.under,
    step: (held) => trainer.step(asOneLoss(held)),
    add(sums, held, { loss, gradientNorm, learningRate, applied }, seconds) {
      const images = held.reduce((n, b) => n + b.size, 0);
      return {
        batches: sums.batches + held.length,
        loss: sums.loss + (applied ? loss * images : 0),
        images: sums.images + (applied ? images : 0),
        steps: sums.steps + 1,
        refusedSteps: sums.refusedSteps + (applied ? 0 : 1),
        gradientNorm: sums.gradientNorm + (applied ? gradientNorm : 0),
        learningRate,
        seconds: sums.seconds + seconds,
      };
    },
    save: (under) => save({ ...state, under }),
    onStep({ images, loss, learningRate }) {
      onStep?.({ epoch: epoch + 1, images, loss: loss / images, learningRate });
    },
  });
}

/** Batches that make one step. What is left at the end is one of its own: no image is dropped or kept for the next epoch. */
async function* together(
  batches: AsyncIterable<TrainingBatch>,
  count: number,
): AsyncGenerator<readonly TrainingBatch[]> {
  let held: TrainingBatch[] = [];
  for await (const batch of batches) {
    held.push(batch);
    if (held.length < count) continue;
    yield held;
    held = [];
  }
  if (held.length > 0) yield held;
}

/**
 * @file Steps of training: the caller's side of the worker that runs the step graph and keeps the weights. Beside the
 * images nothing large crosses threads; constants that are computed from parameters (Swin's position biases, tokens with
 * their positions) are computed here, since only the model's own code knows how.
 */
import { VitreousError } from "../onnx/errors.js";
import type { Wire } from "../runtime/worker/ask.js";
import { buffersOf } from "./arrays.js";
import { averagingDecay } from "./ema.js";
import { type Form, formsOf } from "./forms.js";
import { runBatches } from "./gradients.js";
import { openLink } from "./link.js";
import type { Arrays, CheckpointTensor } from "./parameters.js";
import { planOf, type TrainerOptions, weightDecays } from "./plan.js";
import { type Pictures, runPictures } from "./predictions.js";
import { runLength } from "./runs.js";
import { learningRates } from "./schedule.js";
import { requireState } from "./state.js";
import type { StepResult, TrainerState, TrainingBatch } from "./types.js";
import type { ArraysReply, NamedArrays, Role, TrainerJob, UpdateReply } from "./worker/protocol.js";

export type { TrainerOptions } from "./plan.js";

/** Steps in a row without a finite loss and gradient, after which it is not chance. */
const REFUSED = 5;

/** The weights as they are, or their running average. */
export type WhichWeights = "current" | "averaged";

export interface PredictOptions {
  /** [height, width] of the pictures: one of the trainer's sizes, by default the model's own. */
  readonly image?: readonly [number, number];
  /** Of the model's outputs, the first by default. */
  readonly output?: string;
}

export interface Trainer {
  /**
   * One update by the gradients of one batch, or summed over several whose sample weights make up one loss. The batches'
   * arrays stay the caller's.
   *
   * @throws VitreousError when loss or gradient was no finite number several times in a row, and for what ONNX Runtime
   *   refuses; the weights are then what they were before
   */
  step(batches: readonly TrainingBatch[]): Promise<StepResult>;
  /**
   * Logits [count, classes] of prepared pictures [count, channels, height, width].
   *
   * @param weights the average by default, where one is kept
   */
  predict(
    pixels: Float32Array,
    count: number,
    weights?: WhichWeights,
    details?: PredictOptions,
  ): Promise<Float32Array>;
  /** Everything that later steps depend on. */
  snapshot(): Promise<TrainerState>;
  /** @throws VitreousError for the state of another training */
  restore(state: TrainerState): Promise<void>;
  /**
   * The trained tensors by the checkpoint's names, in its layout.
   *
   * @param weights the average by default, where one is kept
   */
  tensors(weights?: WhichWeights): Promise<Map<string, CheckpointTensor>>;
  /** Ends the worker after what was asked for so far. Idempotent. */
  close(): Promise<void>;
}

/**
 * @param start starts the worker; not called where the options make no training
 * @param where what messages call where it runs, and the worker's settings for it
 */
export async function openTrainer(
  start: () => Wire<TrainerJob>,
  where: { readonly device: string; readonly settings: unknown },
  options: TrainerOptions,
): Promise<Trainer> {
  const { parameters: set, averaging, held } = options;
  const forms = formsOf(options, where.device === "cpu" ? runLength(options.batch) : options.batch);
  const rates = learningRates(options.schedule);
  const weightDecay = weightDecays(options);
  const averageDecay = averaging === undefined ? () => 0 : averagingDecay(averaging);
  const plan = planOf(options);
  // What cannot be trained is refused before a worker is started.
  forms.own.step();
  const roles: readonly Role[] = [
    "parameters",
    "firstMoments",
    "secondMoments",
    ...(averaging === undefined ? [] : (["averages"] as const)),
  ];
  const link = await openLink(start(), where);
  const { request, queued, close } = link;
  let state = { step: 0, updates: 0, refused: 0, heldUpdates: 0 };
  /** The parameters that constants are computed from, as they are now. */
  let indirect: Arrays = new Map(set.parameters.map(({ name, values }) => [name, values]));

  async function step(batches: readonly TrainingBatch[]): Promise<StepResult> {
    if (batches.length === 0) throw new VitreousError("A step of training needs a batch.");
    const { loss, logits, gathered } = await runBatches(batches, {
      options,
      forms,
      link,
      step: state.step,
      indirect,
    });
    const learningRate = rates(state.step);
    const updates = state.updates + 1;
    const hold = held !== undefined && state.step < held.steps;
    const job: TrainerJob = {
      kind: "update",
      gathered,
      loss,
      learningRate,
      weightDecay: weightDecay(state.step),
      updates,
      hold,
      heldUpdates: state.heldUpdates,
      averageDecay: averageDecay(updates),
    };
    const reply = (await request(job, buffersOf(gathered.map(([, data]) => data)))) as UpdateReply;
    const { applied, gradientNorm } = reply;
    state = {
      step: state.step + 1,
      updates: applied ? updates : state.updates,
      refused: applied ? 0 : state.refused + 1,
      heldUpdates: state.heldUpdates + (applied && hold ? 1 : 0),
    };
    if (applied) indirect = new Map(reply.indirect);
    if (state.refused >= REFUSED) {
      throw new VitreousError(
        `The training has diverged: loss or gradient was no finite number in ${state.refused} steps in a row, the last with the loss ${loss} at a learning rate of ${learningRate}. Lower the learning rate, warm it up for longer or clip the gradient; the weights are those before these steps.`,
      );
    }
    return { loss, logits, gradientNorm, learningRate, applied };
  }

  async function indirectOf(form: Form, which: WhichWeights): Promise<Arrays> {
    if (which === "current" || form.parameters.computed.size === 0) return indirect;
    const { arrays } = (await request({ kind: "indirect", role: "averages" })) as ArraysReply;
    return new Map(arrays);
  }

  async function predict(
    pictures: Pictures,
    which: WhichWeights,
    { image, output }: PredictOptions,
  ): Promise<Float32Array> {
    const form = forms.of(image);
    const values = await indirectOf(form, which);
    return runPictures(pictures, { form, link, averaged: which === "averaged", indirect: values, output });
  }

  async function snapshot(): Promise<TrainerState> {
    const { arrays } = (await request({ kind: "snapshot", roles })) as ArraysReply;
    return { ...state, arrays: new Map(arrays) };
  }

  async function restore({ arrays, ...counts }: TrainerState): Promise<void> {
    requireState(arrays, roles, set);
    const copies: NamedArrays = [...arrays].map(([name, data]) => [name, data.slice()]);
    const job: TrainerJob = { kind: "restore", roles, arrays: copies };
    const reply = (await request(job, buffersOf(copies.map(([, data]) => data)))) as ArraysReply;
    indirect = new Map(reply.arrays);
    const { step, updates, refused, heldUpdates = 0 } = counts;
    state = { step, updates, refused, heldUpdates };
  }

  async function tensors(which: WhichWeights): Promise<Map<string, CheckpointTensor>> {
    const role: Role = which === "averaged" ? "averages" : "parameters";
    const { arrays } = (await request({ kind: "snapshot", roles: [role] })) as ArraysReply;
    return set.tensors(new Map(arrays.map(([name, values]) => [name.slice(role.length + 1), values])));
  }

  const kept = (which: WhichWeights | undefined): WhichWeights => {
    if (which === "averaged" && averaging === undefined)
      throw new VitreousError("No average of the weights is kept in this training.");
    return which ?? (averaging === undefined ? "current" : "averaged");
  };

  try {
    const values: NamedArrays = set.parameters.map((parameter) => [parameter.name, parameter.values.slice()]);
    await request({ kind: "load", plan, values }, buffersOf(values.map(([, data]) => data)));
    await forms.own.loadStep(link);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    step: (batches) => queued(() => step(batches)),
    predict: async (pixels, count, which, details = {}) => {
      const weights = kept(which);
      return queued(() => predict({ pixels, count }, weights, details));
    },
    snapshot: () => queued(snapshot),
    restore: (given) => queued(() => restore(given)),
    tensors: async (which) => {
      const weights = kept(which);
      return queued(() => tensors(weights));
    },
    close,
  };
}

/**
 * @file Steps of training: the caller's side of the worker that runs the step graph and keeps the weights. Beside the
 * images nothing large crosses threads; constants that are computed from parameters (Swin's position biases, tokens with
 * their positions) are computed here, since only the model's own code knows how.
 */
import { VitreousError } from "../onnx/errors.js";
import { elementCount } from "../onnx/tensor.js";
import type { Wire } from "../runtime/worker/ask.js";
import { addTo, batchFeeds, buffersOf, copyOf, joined } from "./arrays.js";
import { dropPathMasks } from "./drop-path-masks.js";
import { dropoutFeeds } from "./dropout-masks.js";
import { averagingDecay } from "./ema.js";
import { type Form, formsOf } from "./forms.js";
import { openLink } from "./link.js";
import type { Arrays, CheckpointTensor } from "./parameters.js";
import { planOf, type TrainerOptions, weightDecays } from "./plan.js";
import { inRuns, runLength } from "./runs.js";
import { learningRates } from "./schedule.js";
import { requireState } from "./state.js";
import type { StepResult, TrainerState, TrainingBatch } from "./types.js";
import type {
  ArraysReply,
  NamedArrays,
  PredictReply,
  Role,
  RunReply,
  TrainerJob,
  UpdateReply,
} from "./worker/protocol.js";

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
  const { parameters: set, averaging, held, dropout = 0, seed = 0 } = options;
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

  async function runAll(
    batches: readonly TrainingBatch[],
  ): Promise<{ loss: number; logits: Float32Array; gathered: NamedArrays }> {
    const sums = new Map<Form, Map<string, Float32Array>>();
    const logits: Float32Array[] = [];
    let loss = 0;
    const other = batches.find(({ sampleWeights }) => sampleWeights.length !== options.batch);
    if (other !== undefined) {
      throw new VitreousError(
        `The batch holds ${other.sampleWeights.length} images, not the ${options.batch} that the trainer was opened for; fill it up with images of the sample weight 0.`,
      );
    }
    const runs = batches.flatMap((batch) => {
      const form = forms.of(batch.image);
      return inRuns(batch, form.run).map((taken) => ({ form, taken }));
    });
    for (const [i, { form, taken }] of runs.entries()) {
      const { key, run } = form;
      const graph = form.step();
      await form.loadStep(link);
      const at = { seed, step: state.step, part: i };
      const feeds = [
        ...batchFeeds(graph, taken, dropPathMasks(graph.keep, run, at)),
        ...dropoutFeeds(graph, dropout, at),
        ...form.constants(indirect),
      ];
      const sampleWeights = copyOf(graph.inputs.sampleWeights, [run], taken.sampleWeights);
      const part = runs.length === 1 ? "only" : i === 0 ? "first" : "next";
      const transfer = buffersOf([...feeds, sampleWeights].map(({ data }) => data));
      const reply = (await request({ kind: "run", key, feeds, sampleWeights, part }, transfer)) as RunReply;
      loss += reply.loss;
      logits.push(reply.logits.subarray(0, (reply.logits.length / run) * taken.given));
      const own = sums.get(form) ?? new Map<string, Float32Array>();
      addTo(own, reply.computed);
      sums.set(form, own);
    }
    const gathered = new Map<string, Float32Array>();
    for (const [{ parameters }, own] of sums)
      if (own.size > 0) addTo(gathered, [...parameters.gather(own, indirect)]);
    return { loss, logits: joined(logits), gathered: [...gathered] };
  }

  async function step(batches: readonly TrainingBatch[]): Promise<StepResult> {
    if (batches.length === 0) throw new VitreousError("A step of training needs a batch.");
    const { loss, logits, gathered } = await runAll(batches);
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
    pixels: Float32Array,
    count: number,
    which: WhichWeights,
    { image, output }: PredictOptions,
  ): Promise<Float32Array> {
    const form = forms.of(image);
    const { key, run } = form;
    const [input] = form.model.graph.inputs;
    const [first] = form.model.graph.outputs;
    const size = elementCount(form.image);
    if (pixels.length !== count * size)
      throw new VitreousError(
        `${pixels.length} numbers are not ${count} pictures of [${form.image.join(", ")}].`,
      );
    await form.loadInference(link);
    const values = await indirectOf(form, which);
    const parts: Float32Array[] = [];
    for (let from = 0; from < count; from += run) {
      const images = Math.min(run, count - from);
      const data = pixels.slice(from * size, (from + images) * size);
      const feeds = [
        { name: input?.name ?? "", dims: [images, ...form.image], data },
        ...form.constants(values),
      ];
      const job: TrainerJob = {
        kind: "predict",
        key,
        feeds,
        averaged: which === "averaged",
        output: output ?? first?.name ?? "",
      };
      const reply = (await request(job, buffersOf(feeds.map((feed) => feed.data)))) as PredictReply;
      parts.push(reply.values);
    }
    return joined(parts);
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
      return queued(() => predict(pixels, count, weights, details));
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

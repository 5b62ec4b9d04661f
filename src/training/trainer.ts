/**
 * @file Steps of training: the caller's side of the worker that runs the step graph and keeps the weights. Beside the
 * images nothing large crosses threads; constants that are computed from parameters (Swin's position biases, tokens with
 * their positions) are computed here, since only the model's own code knows how.
 */
import { VitreousError } from "../onnx/errors.js";
import { elementCount } from "../onnx/tensor.js";
import { joinPieces, writeModel } from "../onnx/write.js";
import { failure } from "../runtime/failure.js";
import { asker, Refusal, type Wire } from "../runtime/worker/ask.js";
import { addTo, batchFeeds, buffersOf, copyOf, joined } from "./arrays.js";
import { dropPathMasks } from "./drop-path-masks.js";
import { averagingDecay } from "./ema.js";
import { inferenceGraph } from "./inference-graph.js";
import type { Arrays, CheckpointTensor } from "./parameters.js";
import { planOf, type TrainerOptions } from "./plan.js";
import { inRuns, runLength } from "./runs.js";
import { learningRates } from "./schedule.js";
import { requireState } from "./state.js";
import { stepGraph } from "./step-graph.js";
import type { StepResult, TrainerState, TrainingBatch } from "./types.js";
import type {
  ArraysReply,
  Fed,
  NamedArrays,
  Opened,
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
  predict(pixels: Float32Array, count: number, weights?: WhichWeights): Promise<Float32Array>;
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
 * @param device what messages call where it runs; `settings` are the worker's for it
 */
export async function openTrainer(
  start: () => Wire<TrainerJob>,
  { device, settings }: { readonly device: string; readonly settings: unknown },
  options: TrainerOptions,
): Promise<Trainer> {
  const { model, parameters: set, objective, averaging, seed = 0, dropPath } = options;
  const run = device === "cpu" ? runLength(options.batch) : options.batch;
  const rates = learningRates(options.schedule);
  const averageDecay = averaging === undefined ? () => 0 : averagingDecay(averaging);
  const graph = stepGraph(model, {
    batch: run,
    trained: set.trained,
    objective,
    ...(dropPath === undefined ? {} : { dropPath }),
  });
  const plan = planOf(graph, options);
  const roles: readonly Role[] = [
    "parameters",
    "firstMoments",
    "secondMoments",
    ...(averaging === undefined ? [] : (["averages"] as const)),
  ];
  const wire = start();
  const ask = asker(wire);
  let devices: readonly string[] = [];
  let closing: Promise<void> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let state = { step: 0, updates: 0, refused: 0 };
  let inferenceLoaded = false;
  /** The parameters that constants are computed from, and those constants, as they are now. */
  let indirect: Arrays = new Map(set.parameters.map(({ name, values }) => [name, values]));
  let computed = set.compute(indirect);

  async function request(job: TrainerJob, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    try {
      return await ask(job, transfer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (job.kind === "open")
        throw new VitreousError(
          `ONNX Runtime cannot be started: ${error.message.split("\n", 1)[0]}. Is it installed, and built for this platform?`,
          { cause: error.message },
        );
      const doing = job.kind === "load" || job.kind === "loadInference" ? "load" : "run";
      throw failure(error.message, { doing, model: "the training step", device, devices });
    }
  }

  /** One after the other: a step is several questions. */
  function queued<T>(work: () => Promise<T>): Promise<T> {
    if (closing !== undefined) return Promise.reject(new VitreousError("The trainer was closed."));
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  }

  function close(): Promise<void> {
    closing ??= last
      .then(() => ask({ kind: "close" }))
      .catch(() => undefined)
      .then(() => wire.end());
    return closing;
  }

  function changed(arrays: NamedArrays): void {
    if (plan.computed.length === 0) return;
    indirect = new Map(arrays);
    computed = set.compute(indirect);
  }

  const constantFeeds = (constants: Arrays): Fed[] =>
    plan.computed.map(({ name, dims }) => ({
      name,
      dims,
      data: (constants.get(name) ?? new Float32Array()).slice(),
    }));

  async function runAll(
    batches: readonly TrainingBatch[],
  ): Promise<{ loss: number; logits: Float32Array; gathered: NamedArrays }> {
    const sums = new Map<string, Float32Array>();
    const logits: Float32Array[] = [];
    let loss = 0;
    const other = batches.find(({ sampleWeights }) => sampleWeights.length !== options.batch);
    if (other !== undefined) {
      throw new VitreousError(
        `The batch holds ${other.sampleWeights.length} images, not the ${options.batch} that the trainer was opened for; fill it up with images of the sample weight 0.`,
      );
    }
    const runs = batches.flatMap((batch) => inRuns(batch, run));
    for (const [i, taken] of runs.entries()) {
      const masks = dropPathMasks(graph.keep, run, { seed, step: state.step, part: i });
      const feeds = [...batchFeeds(graph, taken, masks), ...constantFeeds(computed)];
      const sampleWeights = copyOf(graph.inputs.sampleWeights, [run], taken.sampleWeights);
      const part = runs.length === 1 ? "only" : i === 0 ? "first" : "next";
      const transfer = buffersOf([...feeds, sampleWeights].map(({ data }) => data));
      const reply = (await request({ kind: "run", feeds, sampleWeights, part }, transfer)) as RunReply;
      loss += reply.loss;
      logits.push(reply.logits.subarray(0, (reply.logits.length / run) * taken.given));
      addTo(sums, reply.computed);
    }
    const gathered = plan.computed.length === 0 ? [] : [...set.gather(sums, indirect)];
    return { loss, logits: joined(logits), gathered };
  }

  async function step(batches: readonly TrainingBatch[]): Promise<StepResult> {
    if (batches.length === 0) throw new VitreousError("A step of training needs a batch.");
    const { loss, logits, gathered } = await runAll(batches);
    const learningRate = rates(state.step);
    const updates = state.updates + 1;
    const job: TrainerJob = {
      kind: "update",
      gathered,
      loss,
      learningRate,
      updates,
      averageDecay: averageDecay(updates),
    };
    const reply = (await request(job, buffersOf(gathered.map(([, data]) => data)))) as UpdateReply;
    const { applied, gradientNorm } = reply;
    state = {
      step: state.step + 1,
      updates: applied ? updates : state.updates,
      refused: applied ? 0 : state.refused + 1,
    };
    if (applied) changed(reply.indirect);
    if (state.refused >= REFUSED) {
      throw new VitreousError(
        `The training has diverged: loss or gradient was no finite number in ${state.refused} steps in a row, the last with the loss ${loss} at a learning rate of ${learningRate}. Lower the learning rate, warm it up for longer or clip the gradient; the weights are those before these steps.`,
      );
    }
    return { loss, logits, gradientNorm, learningRate, applied };
  }

  async function constantsOf(which: WhichWeights): Promise<Arrays> {
    if (which === "current" || plan.computed.length === 0) return computed;
    const { arrays } = (await request({ kind: "indirect", role: "averages" })) as ArraysReply;
    return set.compute(new Map(arrays));
  }

  async function predict(pixels: Float32Array, count: number, which: WhichWeights): Promise<Float32Array> {
    const [input] = model.graph.inputs;
    const [output] = model.graph.outputs;
    const image = (input?.shape ?? []).slice(1).map(Number);
    const size = elementCount(image);
    if (pixels.length !== count * size)
      throw new VitreousError(`${pixels.length} numbers are not ${count} pictures of [${image.join(", ")}].`);
    if (!inferenceLoaded) {
      const bytes = joinPieces(writeModel(inferenceGraph(model, set.trained)));
      await request({ kind: "loadInference", model: bytes }, [bytes.buffer]);
      inferenceLoaded = true;
    }
    const constants = await constantsOf(which);
    const parts: Float32Array[] = [];
    for (let from = 0; from < count; from += run) {
      const images = Math.min(run, count - from);
      const data = pixels.slice(from * size, (from + images) * size);
      const feeds = [
        { name: input?.name ?? "", dims: [images, ...image], data },
        ...constantFeeds(constants),
      ];
      const job: TrainerJob = {
        kind: "predict",
        feeds,
        averaged: which === "averaged",
        output: output?.name ?? "",
      };
      const reply = (await request(job, buffersOf(feeds.map((feed) => feed.data)))) as PredictReply;
      parts.push(reply.logits);
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
    changed(reply.arrays);
    state = { step: counts.step, updates: counts.updates, refused: counts.refused };
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
    devices = ((await request({ kind: "open", settings })) as Opened).devices;
    if (devices.length > 0 && !devices.includes(device))
      throw new VitreousError(
        `The installed ONNX Runtime was built without the device '${device}'; it has ${devices.join(", ")}.`,
      );
    const bytes = joinPieces(writeModel(graph.model));
    const values: NamedArrays = set.parameters.map((parameter) => [parameter.name, parameter.values.slice()]);
    await request({ kind: "load", step: bytes, plan, values }, [
      bytes.buffer,
      ...buffersOf(values.map(([, data]) => data)),
    ]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    step: (batches) => queued(() => step(batches)),
    predict: async (pixels, count, which) => {
      const weights = kept(which);
      return queued(() => predict(pixels, count, weights));
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

/**
 * @file Fine-tuning from end to end: a checkpoint and a labelled data set in, a folder out that transformers and this
 * package open. The same request on the same folder goes on where it was stopped.
 */
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { makeFolder } from "../../../imaging/node/atomic.js";
import { nameOf } from "../../../models/description.js";
import { VitreousError } from "../../../onnx/errors.js";
import { float16ToFloat32, float32ToFloat16 } from "../../../onnx/float16.js";
import { VERSION } from "../../../version.js";
import { evaluationBatches, trainingBatches } from "../../data/batches.js";
import { imagePool } from "../../data/node/pool.js";
import type { ImagePool } from "../../data/pool.js";
import { balancedClassWeights } from "../../data/targets.js";
import { quickScores } from "../../metrics/scores.js";
import { nodeTrainer } from "../../node/trainer.js";
import type { Trainer } from "../../trainer.js";
import type { TrainingBatch } from "../../types.js";
import { type EpochRecord, type LoopProgress, runLoop, START } from "../loop.js";
import type { FinetuneOptions } from "../options.js";
import type { Settings, TrainingRecord } from "../record.js";
import type { TrainingReport } from "../report-data.js";
import { type Evaluated, evaluatePart } from "./evaluate.js";
import { type LabelledData, labelledData } from "./labelled-data.js";
import { lockFolder } from "./lock.js";
import { writeResults } from "./results.js";
import { type OpenChoices, type StartingModel, startingModel } from "./starting-model.js";
import { type Arrays, type StateFolder, stateFolder } from "./state-folder.js";
import { openTeacher, type Teacher } from "./teacher.js";

export interface FinetuneRequest {
  /** Checkpoint: a folder, a file of weights, or hf:owner/name. */
  readonly model: string;
  /** Data set: a folder or a manifest. */
  readonly data: string;
  /** Folder for the results and the state. */
  readonly out: string;
  /** Model to distil from: of the same classes and image size. */
  readonly teacher?: string;
  /** File with the classes' names in the order they are to have. */
  readonly labels?: string;
  readonly options: FinetuneOptions;
  readonly open: OpenChoices;
  /** The report as a page. */
  readonly page: (report: TrainingReport) => string;
  /** When aborted, the state is saved and the signal's reason thrown. */
  readonly signal?: AbortSignal;
  readonly events?: FinetuneEvents;
  /** Milliseconds between two saves within an epoch; five minutes by default. */
  readonly saveEvery?: number;
}

export interface FinetuneEvents {
  /** A sentence for a person. */
  readonly note?: (text: string) => void;
  /** Files of the data set looked at. */
  readonly onLook?: (done: number, total: number) => void;
  /** Before the first step of this process: what is ahead, and what is done already. */
  readonly onStart?: (start: RunStart) => void;
  readonly onStep?: (progress: LoopProgress) => void;
  /** Images of a part evaluated. */
  readonly onEvaluate?: (part: "validation" | "test", done: number, total: number) => void;
  readonly onEpoch?: (record: EpochRecord, best: boolean) => void;
}

export interface RunStart {
  readonly epochs: number;
  /** Images of an epoch. */
  readonly images: number;
  readonly epochsDone: number;
  /** Of the epoch under way. */
  readonly imagesDone: number;
  readonly resumed: boolean;
}

/** "finished": an earlier run with this request was finished; nothing was done. */
export type Finetuned = TrainingRecord | "finished";

const SAVE_EVERY = 300_000;

/**
 * Fine-tunes.
 *
 * @throws VitreousError in one sentence: what cannot be opened, trained or written; other settings than those of the run
 *   in the folder; a folder that is in use. The signal's reason, once the state is saved.
 */
export async function finetune(request: FinetuneRequest): Promise<Finetuned> {
  const { out, signal, events = {} } = request;
  if (resolve(out) === resolve(request.model))
    throw new VitreousError(`${out} is the model itself; give another folder for the results`);
  const data = await labelledData({
    path: request.data,
    options: request.options,
    ...(request.labels !== undefined && { labels: request.labels }),
    ...(signal && { signal }),
    ...(events.onLook && { onProgress: events.onLook }),
  });
  const model = await startingModel({
    path: request.model,
    labels: data.splits.classes,
    options: request.options,
    open: request.open,
    distilled: request.teacher !== undefined,
  });
  let teacher: Teacher | undefined;
  try {
    teacher = await teacherOf(request, data, model);
    const folder = join(out, "state");
    await makeFolder(folder);
    const release = await lockFolder(folder);
    try {
      return await train(request, { data, model, teacher, state: await stateFolder(folder) });
    } finally {
      await release();
    }
  } finally {
    await teacher?.close();
    await model.close();
  }
}

async function teacherOf(
  { teacher: path, open }: FinetuneRequest,
  { splits }: LabelledData,
  { preprocessing, dims }: StartingModel,
): Promise<Teacher | undefined> {
  if (path === undefined) return undefined;
  const { device, threads, signal, onProgress } = open;
  const shared = {
    ...(device && { device }),
    ...(threads && { threads }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  };
  return openTeacher({ path, labels: splits.classes, preprocessing, dims, open: shared });
}

/** All that a run works with. */
interface Workshop {
  readonly data: LabelledData;
  readonly model: StartingModel;
  readonly teacher: Teacher | undefined;
  readonly state: StateFolder;
}

async function* taught(
  batches: AsyncIterable<TrainingBatch>,
  { teach }: Teacher,
): AsyncGenerator<TrainingBatch> {
  for await (const batch of batches) yield await teach(batch);
}

async function train(
  request: FinetuneRequest,
  { data, model, teacher, state }: Workshop,
): Promise<Finetuned> {
  const { out, options, signal, events = {} } = request;
  const settings = settingsOf(request, data, model, teacher);
  const saved = await state.read(settings);
  if (saved === "finished") return "finished";
  if (saved === undefined) await refuseOccupied(out);
  for (const note of [...data.notes, ...model.notes]) events.note?.(note);
  const setAside = new Map<string, string>();
  const pool = imagePool();
  const parts = partsOf(request, data, model, pool, setAside);
  const trainer = await trainerOf(request, model, parts.train.count);
  try {
    if (saved !== undefined) await trainer.restore(saved.trainer);
    const loop = saved?.loop ?? START;
    events.onStart?.({
      epochs: options.epochs,
      images: parts.images,
      epochsDone: loop.curve.length,
      imagesDone: loop.under.images,
      resumed: saved !== undefined,
    });
    let best: Arrays | undefined = saved?.best;
    const classes = data.splits.classes.length;
    const end = await runLoop(
      {
        trainer,
        epochs: options.epochs,
        accumulate: options.accumulate,
        ...(options.patience > 0 && { patience: options.patience }),
        batches: (epoch, from) => {
          const batches = parts.train(epoch, from);
          return teacher === undefined ? batches : taught(batches, teacher);
        },
        validate: async () => quickScores((await parts.evaluate("validation", trainer)).outcomes, classes),
        keepBest: async (epoch) => {
          best = await predicting(trainer, options);
          await state.keepBest(epoch, best);
        },
        save: async (now) => state.save({ settings, loop: now, finished: false }, await trainer.snapshot()),
        saveEvery: request.saveEvery ?? SAVE_EVERY,
        ...(signal && { signal }),
        ...(events.onStep && { onStep: events.onStep }),
        ...(events.onEpoch && { onEpoch: events.onEpoch }),
      },
      loop,
    );
    if (best === undefined) throw new RangeError("training ended without a best epoch");
    await withArrays(trainer, options.precision === "float16" ? asHalves(best) : best);
    const record = await writeResults({
      out,
      data,
      model,
      loop: end,
      settings,
      tensors: await trainer.tensors(),
      validation: await parts.evaluate("validation", trainer),
      test: await parts.evaluate("test", trainer),
      setAside,
      options,
      page: request.page,
      modelName: request.model,
    });
    await state.finish({ settings, loop: end, finished: true });
    return record;
  } finally {
    await trainer.close();
    await pool.close();
  }
}

/** What training.json and resumption know of a run. Threads and device are not among it. */
function settingsOf(
  { options, data: path }: FinetuneRequest,
  data: LabelledData,
  model: StartingModel,
  teacher: Teacher | undefined,
): Settings {
  const { source: _, warnings: __, ...preparation } = model.preprocessing;
  return {
    vitreous: VERSION,
    model: { sha256: model.sha256, name: nameOf(model.base.description) },
    data: { name: data.splits.dataset.name || path, sha256: data.sha256 },
    classes: data.splits.classes,
    image: model.dims,
    preparation,
    ...options,
    ...(teacher !== undefined && { teacher: { sha256: teacher.sha256 } }),
  };
}

/** A folder that holds a model which is not this run's is not written over. */
async function refuseOccupied(out: string): Promise<void> {
  for (const name of ["config.json", "model.safetensors", "model.onnx", "training.json"]) {
    if ((await stat(join(out, name)).catch(() => undefined)) !== undefined)
      throw new VitreousError(
        `${out} holds ${name} already, and no state of a run that could be gone on with; give another folder`,
      );
  }
}

interface Parts {
  readonly train: ReturnType<typeof trainingBatches>;
  /** Images of an epoch. */
  readonly images: number;
  evaluate(part: "validation" | "test", trainer: Trainer): Promise<Evaluated>;
}

function partsOf(
  { options, signal, events = {} }: FinetuneRequest,
  { parts, splits }: LabelledData,
  { preprocessing, dims }: StartingModel,
  pool: ImagePool,
  setAside: Map<string, string>,
): Parts {
  const classes = splits.classes.length;
  const length = dims.reduce((a, b) => a * b, 1);
  const common = { classes, preprocessing, pool, batch: options.batch };
  const aside = (part: keyof typeof parts) => (index: number, reason: string) => {
    const name = parts[part][index]?.name ?? String(index);
    if (!setAside.has(name)) events.note?.(`warning: ${reason}`);
    setAside.set(name, reason);
  };
  const train = trainingBatches({
    ...common,
    items: parts.train,
    augmentation: options.augmentation,
    seed: options.seed,
    sampling: options.balanced ? "balanced" : "shuffle",
    last: "pad",
    ...(options.classWeights && {
      classWeights: balancedClassWeights(
        parts.train.map(({ label }) => label),
        classes,
      ),
    }),
    onSetAside: aside("train"),
  });
  return {
    train,
    images: parts.train.length,
    async evaluate(part, trainer) {
      const items = parts[part];
      const batches = evaluationBatches({
        ...common,
        items,
        onSetAside: aside(part),
        ...(signal && { signal }),
      });
      return evaluatePart({
        items,
        batches,
        classes,
        predict: (pixels, count) => trainer.predict(pixels.subarray(0, count * length), count),
        onProgress: (done) => events.onEvaluate?.(part, done, items.length),
      });
    },
  };
}

function trainerOf(request: FinetuneRequest, model: StartingModel, batches: number): Promise<Trainer> {
  const { options, open } = request;
  const perEpoch = Math.ceil(batches / options.accumulate);
  const steps = perEpoch * options.epochs;
  return nodeTrainer({
    model: model.built.model,
    parameters: model.parameters,
    batch: options.batch,
    objective:
      request.teacher === undefined
        ? { kind: "cross-entropy" }
        : {
            kind: "distillation",
            mode: options.distillation,
            alpha: options.distillationShare,
            temperature: options.temperature,
          },
    schedule: {
      kind: options.schedule,
      peak: options.learningRate,
      warmup: Math.min(steps, Math.round(options.warmup * perEpoch)),
      steps,
    },
    adamw: { weightDecay: options.weightDecay },
    layerDecay: options.layerDecay,
    ...(options.clip > 0 && { clip: options.clip }),
    ...(options.ema > 0 && { averaging: { decay: options.ema, warmup: true } }),
    ...(options.dropPath > 0 && { dropPath: options.dropPath }),
    seed: options.seed,
    ...(open.device && { device: open.device }),
    ...(open.threads && { threads: open.threads }),
  });
}

/** The arrays that predictions are made with, under the names of the trainer's state. */
async function predicting(trainer: Trainer, { ema }: FinetuneOptions): Promise<Arrays> {
  const { arrays } = await trainer.snapshot();
  const role = ema > 0 ? "averages/" : "parameters/";
  return new Map([...arrays].filter(([name]) => name.startsWith(role)));
}

/** As they are once saved in float16, so that what is scored is what is saved. */
const asHalves = (arrays: Arrays): Arrays =>
  new Map(
    [...arrays].map(([name, values]) => [
      name,
      values.map((value) => float16ToFloat32(float32ToFloat16(value))),
    ]),
  );

async function withArrays(trainer: Trainer, arrays: Arrays): Promise<void> {
  const state = await trainer.snapshot();
  await trainer.restore({ ...state, arrays: new Map([...state.arrays, ...arrays]) });
}

/**
 * @file Fine-tuning from end to end: a checkpoint and a labelled data set in, a folder out that transformers and this
 * package open. The same request on the same folder goes on where it was stopped.
 */
import { join, resolve } from "node:path";
import { rememberedLooks } from "../../../datasets/look.js";
import { makeFolder } from "../../../imaging/node/atomic.js";
import { VitreousError } from "../../../onnx/errors.js";
import { imagePool } from "../../data/node/pool.js";
import { quickScores } from "../../metrics/scores.js";
import type { TrainingBatch } from "../../types.js";
import { runLoop, START } from "../loop.js";
import type { TrainingRecord } from "../record.js";
import { SAVE_EVERY } from "../steps.js";
import { asHalves, predicting, withArrays } from "./kept-weights.js";
import { type LabelledData, labelledData } from "./labelled-data.js";
import { lockFolder } from "./lock.js";
import { refuseOccupied } from "./occupied.js";
import { openFinetuneTrainer } from "./open-trainer.js";
import { partsOf } from "./parts.js";
import type { FinetuneRequest } from "./request.js";
import { writeResults } from "./results.js";
import { settingsOf } from "./settings.js";
import { type StartingModel, startingModel } from "./starting-model.js";
import { type Arrays, dataOfState, type StateFolder, stateFolder } from "./state-folder.js";
import { openTeacher, type Teacher } from "./teacher.js";

export type { FinetuneEvents, FinetuneRequest, RunStart } from "./request.js";

/** What is asked of the student, by the option. */
const TOKENS = { auto: "where possible", yes: true, no: false } as const;

/** "finished": an earlier run with this request was finished; nothing was done. */
export type Finetuned = TrainingRecord | "finished";

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
  if (request.teacher !== undefined && request.options.imageSizes.length > 0)
    throw new VitreousError(
      "a teacher takes images of one size: train without it, or at the model's own image size",
    );
  const folder = join(out, "state");
  const looks = await rememberedLooks(join(folder, "images.json"));
  const before = await dataOfState(folder);
  const data = await labelledData({
    path: request.data,
    options: request.options,
    look: looks.look,
    ...(before !== undefined && { goesOnWith: before }),
    ...(request.nearDuplicates && { nearDuplicates: request.nearDuplicates }),
    ...(request.splits !== undefined && { splits: request.splits }),
    ...(request.labels !== undefined && { labels: request.labels }),
    ...(signal && { signal }),
    ...(events.onLook && { onProgress: events.onLook }),
  });
  const model = await startingModel({
    path: request.model,
    labels: data.splits.classes,
    options: request.options,
    open: request.open,
    distilled: request.teacher !== undefined && TOKENS[request.options.distillationToken],
  });
  let teacher: Teacher | undefined;
  try {
    teacher = await teacherOf(request, data, model);
    await makeFolder(folder);
    const release = await lockFolder(folder);
    try {
      await looks.save();
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
  const trainer = await openFinetuneTrainer(request, model, parts.train.count);
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

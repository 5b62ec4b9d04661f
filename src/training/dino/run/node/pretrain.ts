/**
 * @file Pretraining from end to end: a model and images in, a backbone out that fine-tuning, transformers and this package
 * open. The same request on the same folder goes on where it was stopped.
 */
import { join, resolve } from "node:path";
import { rememberedLooks } from "../../../../datasets/look.js";
import { makeFolder } from "../../../../imaging/node/atomic.js";
import { nameOf } from "../../../../models/description.js";
import { VitreousError } from "../../../../onnx/errors.js";
import { VERSION } from "../../../../version.js";
import { multiCropBatches, requireBatch } from "../../../data/multi-crop-batches.js";
import { imagePool } from "../../../data/node/pool.js";
import type { Part } from "../../../data/splits.js";
import { lockFolder } from "../../../run/node/lock.js";
import { refuseOccupied } from "../../../run/node/occupied.js";
import { dataOfState, type StateFolder, stateFolder } from "../../../run/node/state-folder.js";
import type { Settings } from "../../../run/record.js";
import { SAVE_EVERY } from "../../../run/steps.js";
import type { DinoModel } from "../../model.js";
import { nodeDinoTrainer } from "../../node/trainer.js";
import type { DinoTrainer } from "../../types.js";
import { PRETRAINING_START, type PretrainingState, runPretraining } from "../loop.js";
import type { PretrainingRecord } from "../record.js";
import { type PretrainingData, pretrainingData } from "./data.js";
import { featureEvaluation } from "./evaluation.js";
import type { PretrainRequest } from "./request.js";
import { writePretraining } from "./results.js";
import { dinoOf, openStudent, recipeOf, type Student } from "./student.js";

/** "finished": an earlier run with this request was finished; nothing was done. */
export type Pretrained = PretrainingRecord | "finished";

/**
 * Pretrains with DINO.
 *
 * @throws VitreousError in one sentence: what cannot be opened, trained or written; other settings than those of the run
 *   in the folder; a folder that is in use. The signal's reason, once the state is saved.
 */
export async function pretrain(request: PretrainRequest): Promise<Pretrained> {
  const { out, options, signal, events = {} } = request;
  if (resolve(out) === resolve(request.model))
    throw new VitreousError(`${out} is the model itself; give another folder for the results`);
  const folder = join(out, "state");
  const looks = await rememberedLooks(join(folder, "images.json"));
  const before = await dataOfState(folder);
  const data = await pretrainingData({
    path: request.data,
    options,
    look: looks.look,
    ...(before !== undefined && { goesOnWith: before }),
    ...(request.nearDuplicates && { nearDuplicates: request.nearDuplicates }),
    ...(request.splits !== undefined && { splits: request.splits }),
    ...(signal && { signal }),
    ...(events.onLook && { onProgress: events.onLook }),
  });
  const model = await openStudent(request);
  try {
    requireBatch(data.train.length, options.batch);
    const network = await dinoOf(model, options);
    await makeFolder(folder);
    const release = await lockFolder(folder);
    try {
      await looks.save();
      return await train(request, {
        data,
        model,
        network,
        state: await stateFolder<PretrainingState>(folder),
      });
    } finally {
      await release();
    }
  } finally {
    await model.close();
  }
}

/** What training.json and resumption know of a run. Threads and device are not among it. */
function settingsOf({ options }: PretrainRequest, data: PretrainingData, model: Student): Settings {
  const { source: _, warnings: __, ...preparation } = model.preprocessing;
  return {
    vitreous: VERSION,
    method: "DINO",
    model: { sha256: model.sha256, name: nameOf(model.base.description) },
    data: { name: data.name, sha256: data.sha256 },
    ...(data.labelled && { classes: data.labelled.splits.classes }),
    image: model.dims,
    preparation,
    ...options,
    crops: model.crops,
  };
}

/** All that a run works with. */
interface Workshop {
  readonly data: PretrainingData;
  readonly model: Student;
  /** The model with DINO's head. */
  readonly network: DinoModel;
  readonly state: StateFolder<PretrainingState>;
}

async function train(
  request: PretrainRequest,
  { data, model, network, state: folder }: Workshop,
): Promise<Pretrained> {
  const { out, options, signal, events = {} } = request;
  const { preprocessing, dims, crops } = model;
  const settings = settingsOf(request, data, model);
  const saved = await folder.read(settings);
  if (saved === "finished") return "finished";
  if (saved === undefined) await refuseOccupied(out);
  for (const note of [...data.notes, ...model.notes]) events.note?.(note);
  const setAside = new Map<string, string>();
  const aside = (name: string | undefined, reason: string): void => {
    if (name === undefined || setAside.has(name)) return;
    events.note?.(`warning: ${reason}`);
    setAside.set(name, reason);
  };
  const pool = imagePool();
  let trainer: DinoTrainer | undefined;
  try {
    const { batch, seed } = options;
    const batches = multiCropBatches({
      items: data.train,
      preprocessing,
      crops,
      pool,
      batch,
      seed,
      onSetAside: (index, reason) => aside(data.train[index]?.name, reason),
    });
    trainer = await nodeDinoTrainer(network, {
      ...recipeOf(options),
      stepsPerEpoch: batches.count,
      ...(request.open.device && { device: request.open.device }),
      ...(request.open.threads && { threads: request.open.threads }),
    });
    if (saved !== undefined) await trainer.restore(saved.trainer);
    const from = saved?.loop ?? PRETRAINING_START;
    events.onStart?.({
      epochs: options.epochs,
      images: batches.count * batch,
      epochsDone: from.curve.length,
      imagesDone: from.under.images,
      resumed: saved !== undefined,
    });
    const { labelled } = data;
    const evaluation =
      labelled &&
      featureEvaluation({
        data: labelled,
        preprocessing,
        dims,
        pool,
        trainer,
        options,
        onSetAside: (part: Part, index, reason) => aside(labelled.parts[part][index]?.name, reason),
        ...(signal && { signal }),
        ...(events.onEvaluate && { onEvaluate: events.onEvaluate }),
      });
    const taught = trainer;
    const end = await runPretraining(
      {
        trainer: {
          step: (crop) => {
            evaluation?.forget();
            return taught.step(crop);
          },
        },
        epochs: options.epochs,
        batches,
        evaluate: evaluation?.quick,
        evaluateEvery: options.evaluateEvery,
        save: async (loop) => folder.save({ settings, loop, finished: false }, await taught.snapshot()),
        saveEvery: request.saveEvery ?? SAVE_EVERY,
        ...(signal && { signal }),
        ...(events.onBefore && { onBefore: events.onBefore }),
        ...(events.onStep && { onStep: events.onStep }),
        ...(events.onEpoch && { onEpoch: events.onEpoch }),
      },
      from,
    );
    const record = await writePretraining({
      request,
      data,
      model,
      state: end,
      settings,
      tensors: await trainer.tensors(),
      trained: network.parameters.parameters.reduce((n, { values }) => n + values.length, 0),
      evaluation: await evaluation?.final(),
      setAside,
    });
    await folder.finish({ settings, loop: end, finished: true });
    return record;
  } finally {
    await trainer?.close();
    await pool.close();
  }
}

/** @file What a pretraining leaves: the backbone as its library keeps one without a classifier, the record and the report. */
import { basename, join } from "node:path";
import { writeFileAtomic } from "../../../../imaging/node/atomic.js";
import { nameOf } from "../../../../models/description.js";
import { loadTensors } from "../../../../models/hugging-face/save.js";
import { saveTrainable } from "../../../../models/node/save.js";
import { elementCount, float32Tensor } from "../../../../onnx/tensor.js";
import { VERSION } from "../../../../version.js";
import { splitCounts, writeSplits } from "../../../data/splits.js";
import type { CheckpointTensor } from "../../../parameters.js";
import { machine } from "../../../run/node/machine.js";
import type { Base } from "../../../run/node/open-base.js";
import { INTERVALS, recordText, type Settings } from "../../../run/record.js";
import type { PretrainingState } from "../loop.js";
import type { FinalEvaluation, PretrainingRecord, PretrainingReport } from "../record.js";
import type { PretrainingData } from "./data.js";
import type { PretrainRequest } from "./request.js";

export interface PretrainingResults {
  readonly request: PretrainRequest;
  readonly data: PretrainingData;
  readonly model: Base;
  readonly state: PretrainingState;
  readonly settings: Settings;
  /** Of the teacher's backbone. */
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** Numbers that were trained, those of the head included. */
  readonly trained: number;
  readonly evaluation: FinalEvaluation | undefined;
  /** Files that could not be read, and why. */
  readonly setAside: ReadonlyMap<string, string>;
}

/** Writes everything; each file whole or not at all. */
export async function writePretraining(results: PretrainingResults): Promise<PretrainingRecord> {
  const { request, data, model, state, tensors, evaluation } = results;
  const { out } = request;
  const { base, preprocessing } = model;
  const all = new Map(await loadTensors(base.tensors));
  for (const [name, { dims, values }] of tensors) all.set(name, float32Tensor(dims, values));
  await saveTrainable(out, { description: base.description, tensors: all, preprocessing });
  const splits = data.labelled?.splits;
  if (splits !== undefined) await writeFileAtomic(join(out, "splits.json"), writeSplits(splits));
  const { before, curve } = state;
  const record: PretrainingRecord = {
    version: VERSION,
    settings: results.settings,
    machine: machine(),
    parameters: {
      trained: results.trained,
      backbone: [...base.tensors.values()].reduce((n, { dims }) => n + elementCount(dims), 0),
    },
    images: data.train.length,
    ...(splits && { classes: splits.classes, splits: Object.fromEntries(splitCounts(splits)) }),
    notes: [...data.notes, ...model.notes],
    setAside: [...data.setAside, ...[...results.setAside].map(([image, reason]) => ({ image, reason }))],
    ...(before && { before }),
    curve,
    ...(evaluation && { evaluation, intervals: INTERVALS }),
    seconds: { training: curve.reduce((sum, { seconds }) => sum + seconds, 0) },
  };
  await writeFileAtomic(join(out, "report.html"), request.page(reportOf(results, record)));
  await writeFileAtomic(join(out, "training.json"), recordText(record));
  return record;
}

function reportOf(
  { request, data, model }: PretrainingResults,
  record: PretrainingRecord,
): PretrainingReport {
  const { before, curve, evaluation } = record;
  return {
    title: `${basename(request.model)}, pretrained with DINO on ${data.name}`,
    facts: [
      nameOf(model.base.description),
      `${record.images} images, no label used to learn`,
      `${curve.length} ${curve.length === 1 ? "epoch" : "epochs"}`,
    ],
    ...(before && { before }),
    curve,
    ...(evaluation && { evaluation }),
    notes: [
      ...(evaluation ? [`Intervals ${INTERVALS}.`] : []),
      ...record.notes.map((note) => `${note[0]?.toUpperCase() ?? ""}${note.slice(1)}`),
      "A measurement on this data set's images, made to develop and to study models. It says nothing of images from other devices, places or patients.",
    ],
  };
}

/** @file What a fine-tuning leaves: the model in transformers' layout and as ONNX, the split, the record and the report. */
import { basename, join } from "node:path";
import { convertModel } from "../../../api/node/convert.js";
import { writeFileAtomic } from "../../../imaging/node/atomic.js";
import { nameOf } from "../../../models/description.js";
import { loadTensors } from "../../../models/hugging-face/save.js";
import { saveTrainable } from "../../../models/node/save.js";
import { float32Tensor } from "../../../onnx/tensor.js";
import { VERSION } from "../../../version.js";
import { splitCounts, writeSplits } from "../../data/splits.js";
import { scoresOf } from "../../metrics/scores.js";
import type { CheckpointTensor } from "../../parameters.js";
import type { LoopState } from "../loop.js";
import type { FinetuneOptions } from "../options.js";
import { INTERVALS, recordText, type Settings, type TrainingRecord } from "../record.js";
import type { TrainingReport } from "../report-data.js";
import type { Evaluated } from "./evaluate.js";
import type { LabelledData } from "./labelled-data.js";
import { machine } from "./machine.js";
import type { StartingModel } from "./starting-model.js";
import { wrongImages } from "./wrong-images.js";

export interface Results {
  readonly out: string;
  readonly data: LabelledData;
  readonly model: StartingModel;
  readonly modelName: string;
  readonly loop: LoopState;
  readonly settings: Settings;
  /** The trained tensors. */
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly validation: Evaluated;
  readonly test: Evaluated;
  /** Files that could not be read, and why. */
  readonly setAside: ReadonlyMap<string, string>;
  readonly options: Pick<FinetuneOptions, "precision" | "seed">;
  readonly page: (report: TrainingReport) => string;
}

/** Writes everything; each file whole or not at all. */
export async function writeResults(results: Results): Promise<TrainingRecord> {
  const { out, data, model, loop, tensors, validation, test } = results;
  const { precision, seed } = results.options;
  const labels = data.splits.classes;
  const { best } = loop;
  const all = new Map(await loadTensors(model.base.tensors));
  for (const [name, { dims, values }] of tensors) all.set(name, float32Tensor(dims, values));
  await saveTrainable(out, {
    description: model.base.description,
    tensors: all,
    preprocessing: model.preprocessing,
    precision,
  });
  await convertModel(out, join(out, "model.onnx"));
  await writeFileAtomic(join(out, "splits.json"), writeSplits(data.splits));
  const record: TrainingRecord = {
    version: VERSION,
    settings: results.settings,
    machine: machine(),
    parameters: model.counts,
    classes: labels,
    splits: Object.fromEntries(splitCounts(data.splits)),
    notes: [...data.notes, ...model.notes],
    setAside: [
      ...data.splits.setAside.map(({ path, reason }) => ({ image: path, reason })),
      ...[...results.setAside].map(([image, reason]) => ({ image, reason })),
    ],
    curve: loop.curve,
    best,
    ended: loop.ended,
    intervals: INTERVALS,
    validation: scoresOf(validation.outcomes, { labels, seed }),
    test: scoresOf(test.outcomes, { labels, seed }),
    seconds: { training: loop.curve.reduce((sum, { seconds }) => sum + seconds, 0) },
  };
  const report = await reportOf(results, record);
  await writeFileAtomic(join(out, "report.html"), results.page(report));
  await writeFileAtomic(join(out, "training.json"), recordText(record));
  return record;
}

async function reportOf(results: Results, record: TrainingRecord): Promise<TrainingReport> {
  const { data, modelName, loop, test } = results;
  const { name } = data.splits.dataset;
  const counts = splitCounts(data.splits);
  const images = (part: "train" | "validation" | "test"): number =>
    (counts.get(part) ?? []).reduce((a, b) => a + b, 0);
  return {
    title: `${basename(modelName)}, fine-tuned on ${name}`,
    facts: [
      nameOf(results.model.base.description),
      `${record.classes.length} classes`,
      `${images("train")} images to train, ${images("validation")} to choose, ${images("test")} to test`,
      `${loop.curve.length} ${loop.curve.length === 1 ? "epoch" : "epochs"}, ${record.ended ?? ""}`,
    ],
    curve: loop.curve,
    best: loop.best?.epoch ?? loop.curve.length,
    validation: record.validation,
    test: record.test,
    wrong: await wrongImages(test.outcomes, test.items, record.classes),
    notes: [
      `Intervals ${INTERVALS}.`,
      ...record.notes.map((note) => `${note[0]?.toUpperCase() ?? ""}${note.slice(1)}`),
      "A measurement on this data set's images, made to develop and to study models. It says nothing of images from other devices, places or patients.",
    ],
  };
}

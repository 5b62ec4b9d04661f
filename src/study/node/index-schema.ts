/**
 * @file What a study's index must be like to be read: it may have been written by another version of this package, or
 * be damaged, and whatever reads it relies on its types.
 */
import { z } from "zod";
import type { Preprocessing } from "../../imaging/preprocessing.js";
import { readPreprocessing } from "../../imaging/read-preprocessing.js";
import { ALL_CONTROLS } from "../../metrics/controls.js";
import { VitreousError } from "../../onnx/errors.js";
import type { PlannedImage } from "../plan/plan.js";
import type { CheckpointFacts, StoredDataset } from "../run/types.js";
import type { StudyDataset, StudyDeclaration, StudyFailure, StudyModel } from "../types.js";
import type { StudyIndex } from "./index-file.js";

const text = z.string();
const textOrNull = z.string().nullable();
const texts = z.array(text);
const count = z.int().nonnegative();
const positive = z.int().positive();
const share = z.number().gt(0).lt(1);
const size = z.tuple([positive, positive]);
/** Of anything. */
const values = z.record(text, z.unknown());

const parameters = z.record(text, z.union([text, z.number(), z.boolean(), texts]));
const method = { id: text, spec: text, parameters };

const dataset: z.ZodType<StudyDataset> = z.object({
  id: text,
  title: text,
  path: text,
  split: textOrNull,
  splits: textOrNull,
  images: positive.nullable(),
  select: z.enum(["stratified", "order", "random"]),
});

const model: z.ZodType<StudyModel> = z.object({
  id: text,
  title: text,
  checkpoints: z.record(
    text,
    z.object({
      path: text,
      arch: textOrNull,
      head: textOrNull,
      preprocess: textOrNull,
      labels: textOrNull,
      imageSize: size.nullable(),
    }),
  ),
});

const declaration: z.ZodType<StudyDeclaration> = z.object({
  title: text,
  seed: count,
  datasets: z.array(dataset),
  models: z.array(model),
  methods: z.array(z.object(method)),
  metrics: z.array(z.object({ ...method, direction: z.enum(["higher", "lower"]) })),
  class: text,
  controls: z.array(z.enum(ALL_CONTROLS)),
  statistics: z.object({
    level: share,
    resamples: positive,
    test: z.enum(["wilcoxon", "permutation"]),
    alpha: share,
    power: share,
  }),
  report: z.object({ gallery: count, misclassified: count }),
  run: z.object({ device: text, batch: positive, unit: positive }),
});

const image: z.ZodType<PlannedImage> = z.object({
  name: text,
  path: text,
  sha256: text,
  label: textOrNull,
  group: textOrNull,
});

const stored: z.ZodType<StoredDataset> = z.object({
  dataset,
  classes: texts,
  images: z.array(image),
  available: count,
  notes: texts,
});

const preprocessing = z.custom<Preprocessing>(isPreprocessing, "does not say how images are prepared");

function isPreprocessing(value: unknown): boolean {
  try {
    readPreprocessing(value, "");
    return true;
  } catch (error) {
    if (error instanceof VitreousError) return false;
    throw error;
  }
}

const facts: z.ZodType<CheckpointFacts> = z.object({
  dataset: text,
  model: text,
  sha256: text,
  options: values,
  preprocessing,
  family: z.enum(["vit", "swin", "unknown"]),
  image: size,
  channels: positive,
  labels: texts,
  methods: z.record(text, values),
  refused: z.record(text, text),
  notes: texts,
  fingerprint: textOrNull,
});

const failure: z.ZodType<StudyFailure> = z.object({
  dataset: text,
  image: textOrNull,
  model: textOrNull,
  method: textOrNull,
  reason: text,
});

export const indexSchema: z.ZodType<StudyIndex> = z.object({
  version: z.literal(1),
  engine: z.record(text, text),
  declaration,
  datasets: z.array(stored),
  checkpoints: z.array(facts),
  failures: z.array(failure),
  complete: z.boolean(),
});

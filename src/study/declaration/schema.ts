/**
 * @file What may stand in one study file. Everything may be left out here, because a file may extend another one, and
 * null takes back what the other one says; what is lacking in the end is found where files have come together.
 */
import { z } from "zod";
import { ALL_CONTROLS, type AnyControl } from "../../metrics/controls.js";
import { DEVICES } from "../../runtime/devices.js";
import { numberOption } from "../../spec.js";

/** "must be …", for a value of the wrong kind. */
const must = (what: string) => ({ error: `must be ${what}` });

const text = (what: string) => z.string(must(what)).trim().min(1, must(what));
const whole = (min: number, max?: number) => numberOption(min, max, true);
const oneOf = <const T extends readonly string[]>(names: T) =>
  z.enum(names, must(`one of ${names.join(", ")}`));
/** Between 0 and 1, both excluded. */
const share = z
  .number(must("a number between 0 and 1"))
  .gt(0, must("greater than 0"))
  .lt(1, must("less than 1"));

/** A name that tables and file names carry. */
export const ID = /^[\p{L}\p{N}][\p{L}\p{N} ._+-]*$/u;

const entries = <T extends z.ZodType>(what: string, value: T) => z.record(z.string(), value, must(what));

const size = (what: string) =>
  z.union(
    [
      z.tuple([whole(1), whole(1)]).readonly(),
      z
        .string()
        .regex(/^\d+x\d+$/)
        .transform((v): readonly [number, number] => {
          const [height = 0, width = 0] = v.split("x").map(Number);
          return [height, width];
        }),
    ],
    must(what),
  );

/** How a checkpoint is opened; what stands beside several is meant for each of them. */
const opening = {
  path: text("a file, a folder or hf:owner/name").nullish(),
  arch: text("the name of an architecture").nullish(),
  head: text("a file with a linear classifier").nullish(),
  preprocess: text("a file that says how images are prepared").nullish(),
  labels: text("a file with class names").nullish(),
  imageSize: size('height and width, [224, 224] or "224x224"').nullish(),
};

export const MODEL_KEYS: readonly string[] = ["title", ...Object.keys(opening)];

const pathOr = <T extends z.ZodType>(object: T) =>
  z.preprocess((v) => (typeof v === "string" ? { path: v } : v), object);

export const checkpointSchema = pathOr(
  z.strictObject(opening, must(`a path, or keys: ${Object.keys(opening).join(", ")}`)),
);
export type CheckpointEntry = z.output<typeof checkpointSchema>;

/** Every other key is a data set's, with a checkpoint of its own. */
const modelSchema = pathOr(
  z
    .object({ title: text("a title").nullish(), ...opening }, must("a path, or a path for each data set"))
    .catchall(checkpointSchema.nullish()),
);
export type ModelEntry = z.output<typeof modelSchema>;

const datasetSchema = pathOr(
  z.strictObject(
    {
      title: text("a title").nullish(),
      path: text("a folder of images or a manifest.csv").nullish(),
      split: text('the name of a part, as "test"').nullish(),
      splits: text("the splits.json of a fine-tuning").nullish(),
      images: whole(1).nullish(),
      select: oneOf(["stratified", "order", "random"]).nullish(),
    },
    must("a path, or keys: title, path, split, splits, images, select"),
  ),
);
export type DatasetEntry = z.output<typeof datasetSchema>;

const parameter = z.union(
  [z.string(), z.number(), z.boolean(), z.array(z.string()).readonly()],
  must("a text, a number, true, false or a list of texts"),
);

const nameOr = z.preprocess(
  (v) => (typeof v === "string" ? { name: v } : v),
  z.strictObject(
    {
      name: text('a name, as "grad-cam"'),
      id: text("what tables call it").nullish(),
      parameters: entries("parameters by name", parameter).nullish(),
    },
    must('a name, as "gradient-rollout:discard=0.5", or keys: name, parameters, id'),
  ),
);
export type NamedEntry = z.output<typeof nameOr>;

const study = {
  extends: text("the path of a study file").nullish(),
  title: text("a title").nullish(),
  seed: whole(0, 0xffffffff).nullish(),
  datasets: entries("data sets by name", datasetSchema.nullish()).nullish(),
  models: entries("models by name", modelSchema.nullish()).nullish(),
  methods: z.array(nameOr, must("a list of methods")).nullish(),
  metrics: z.array(nameOr, must("a list of metrics")).nullish(),
  // YAML takes true for a truth value; class numbers are numbers.
  class: z
    .union([z.string().min(1), z.number(), z.literal(true)], must('top, true, a class, or "A-B"'))
    .transform(String)
    .nullish(),
  controls: z
    .union(
      [
        z.boolean().transform((all): readonly AnyControl[] => (all ? ALL_CONTROLS : [])),
        z.array(z.enum(ALL_CONTROLS)).transform((some) => ALL_CONTROLS.filter((one) => some.includes(one))),
      ],
      must(`true, false, or a list of ${ALL_CONTROLS.join(", ")}`),
    )
    .nullish(),
  statistics: z
    .strictObject(
      {
        level: share.nullish(),
        resamples: whole(100, 1_000_000).nullish(),
        test: oneOf(["wilcoxon", "permutation"]).nullish(),
        alpha: share.nullish(),
        power: share.nullish(),
      },
      must("keys: level, resamples, test, alpha, power"),
    )
    .nullish(),
  report: z
    .strictObject(
      { gallery: whole(0).nullish(), misclassified: whole(0).nullish() },
      must("keys: gallery, misclassified"),
    )
    .nullish(),
  run: z
    .strictObject(
      {
        device: oneOf(DEVICES).nullish(),
        batch: whole(1, 1024).nullish(),
        unit: whole(1, 1024).nullish(),
      },
      must("keys: device, batch, unit"),
    )
    .nullish(),
};

export const studySchema = z.strictObject(study, must(`keys: ${Object.keys(study).join(", ")}`));

/** One file, checked, or several come together. */
export type StudyEntries = z.output<typeof studySchema>;

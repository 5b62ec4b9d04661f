/** @file The JSON that the command line promises, as schemas: more fields may come, none of these may go. */
import { z } from "zod";

const classOf = z.looseObject({ index: z.int().nonnegative(), label: z.string() });
const prediction = z.looseObject({
  index: z.int(),
  label: z.string(),
  probability: z.number().min(0).max(1),
});
const pair = z.tuple([z.int(), z.int()]);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const model = z.looseObject({ path: z.string(), sha256, family: z.enum(["vit", "swin", "unknown"]) });
const failed = z.array(z.strictObject({ image: z.string(), error: z.string() }));

export const explainJson = z.looseObject({
  version: z.string(),
  model,
  images: z.array(
    z.looseObject({
      image: z.string(),
      sha256,
      predictions: z.array(prediction).max(5),
      logits: z.array(z.number()),
      maps: z.array(
        z.looseObject({
          method: z.string(),
          parameters: z.record(z.string(), z.unknown()),
          class: classOf,
          grid: pair,
          values: z.array(z.array(z.number())),
          files: z.record(z.string(), z.string()),
        }),
      ),
    }),
  ),
  failed,
});

export const resultsJson = z.looseObject({
  version: z.string(),
  model,
  protocol: z.looseObject({ class: z.string(), seed: z.int() }),
  images: z.array(
    z.looseObject({
      image: z.string(),
      label: classOf.optional(),
      class: classOf,
      predictions: z.array(prediction),
      scores: z.array(
        z.looseObject({
          method: z.string(),
          metric: z.string(),
          parameters: z.record(z.string(), z.unknown()),
          auc: z.number(),
          curve: z.array(z.number()),
        }),
      ),
    }),
  ),
  summary: z.array(
    z.looseObject({
      method: z.string(),
      metric: z.string(),
      direction: z.enum(["higher", "lower"]),
      mean: z.number(),
      ci: z.tuple([z.number(), z.number()]).optional(),
      n: z.int(),
    }),
  ),
  failed,
});

export const inspectJson = z.looseObject({
  family: z.enum(["vit", "swin", "unknown"]),
  input: z.looseObject({
    name: z.string(),
    layout: z.enum(["NCHW", "NHWC"]),
    shape: z.array(z.union([z.int(), z.string()])).length(4),
  }),
  output: z.looseObject({
    name: z.string(),
    kind: z.enum(["logits", "probabilities", "features"]),
    classes: z.int(),
  }),
  image: pair,
  grid: pair,
  prefixTokens: z.int(),
  head: z.string(),
  batch: z.enum(["dynamic", "fixed"]),
  blocks: z.array(
    z.looseObject({
      attention: z.string(),
      heads: z.int(),
      tokens: z.int(),
      window: pair.optional(),
      shift: pair.optional(),
      grid: pair.optional(),
    }),
  ),
  differentiable: z.boolean(),
  why: z.array(z.string()).optional(),
  methods: z.array(z.string()),
});

const score = z.looseObject({
  value: z.number().nullish(),
  interval: z.tuple([z.number(), z.number()]).nullish(),
  reason: z.string().optional(),
});
const scores = z.looseObject({
  images: z.int(),
  accuracy: score,
  balancedAccuracy: score,
  macroF1: score,
  calibrationError: score,
  classes: z.array(z.looseObject({ label: z.string(), images: z.int(), recall: score, precision: score })),
  confusion: z.array(z.array(z.int())),
});

export const trainingJson = z.looseObject({
  version: z.string(),
  settings: z.looseObject({ epochs: z.int(), seed: z.int(), augmentation: z.looseObject({}) }),
  parameters: z.looseObject({ trained: z.int(), frozen: z.int() }),
  classes: z.array(z.string()),
  splits: z.record(z.string(), z.array(z.int())),
  setAside: z.array(z.looseObject({ image: z.string(), reason: z.string() })),
  curve: z.array(z.looseObject({ epoch: z.int(), train: z.looseObject({ loss: z.number() }) })),
  best: z.looseObject({ epoch: z.int() }),
  validation: scores,
  test: scores,
});

const shares = z.looseObject({ accuracy: z.number(), balancedAccuracy: z.number() });
const quickEvaluation = z.looseObject({ knn: shares, linear: shares });
const featureScores = z.looseObject({ validation: scores, test: scores });

export const pretrainingJson = z.looseObject({
  version: z.string(),
  settings: z.looseObject({ epochs: z.int(), seed: z.int(), crops: z.looseObject({}), scratch: z.boolean() }),
  parameters: z.looseObject({ trained: z.int(), backbone: z.int() }),
  images: z.int(),
  classes: z.array(z.string()).optional(),
  splits: z.record(z.string(), z.array(z.int())).optional(),
  setAside: z.array(z.looseObject({ image: z.string(), reason: z.string() })),
  before: quickEvaluation.optional(),
  curve: z.array(
    z.looseObject({
      epoch: z.int(),
      train: z.looseObject({ loss: z.number(), steps: z.int(), teacherEntropy: z.number() }),
      evaluation: quickEvaluation.optional(),
    }),
  ),
  evaluation: z
    .looseObject({
      knn: featureScores,
      linear: featureScores.extend({ decay: z.number(), tried: z.array(z.number()) }),
    })
    .optional(),
});

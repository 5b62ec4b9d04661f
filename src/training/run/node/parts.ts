/** @file The parts of a data set as training and evaluation take them: batches to learn from, and scores of the others. */
import { evaluationBatches, trainingBatches } from "../../data/batches.js";
import type { ImagePool } from "../../data/pool.js";
import { balancedClassWeights } from "../../data/targets.js";
import type { Trainer } from "../../trainer.js";
import { type Evaluated, evaluatePart } from "./evaluate.js";
import type { LabelledData } from "./labelled-data.js";
import type { FinetuneRequest } from "./request.js";
import type { StartingModel } from "./starting-model.js";

export interface Parts {
  readonly train: ReturnType<typeof trainingBatches>;
  /** Images of an epoch. */
  readonly images: number;
  evaluate(part: "validation" | "test", trainer: Trainer): Promise<Evaluated>;
}

/** @param setAside gets the images that cannot be read, by name, with the reason */
export function partsOf(
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
    names: splits.classes,
    augmentation: options.augmentation,
    sizes: options.imageSizes,
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

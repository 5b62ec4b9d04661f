/**
 * @file Batches, made ahead of need. Which images, in what order, with what draws, is settled by (seed, epoch, place)
 * before anything is decoded; workers only decide when it is ready.
 */

import { type Preprocessing, resizedTo } from "../../imaging/preprocessing.js";
import { inOrder } from "../../in-order.js";
import { VitreousError } from "../../onnx/errors.js";
import type { TrainingBatch } from "../types.js";
import { below, type Draw, drawsFor } from "./draws.js";
import { mixBatch } from "./mix.js";
import type { AugmentationOptions } from "./options.js";
import { type Placed, placing } from "./placing.js";
import type { ImagePool } from "./pool.js";
import { preparedDims } from "./prepare.js";
import { batchCount, epochOrder, type Sampling } from "./sampling.js";
import { oneHot, sampleWeights, smoothLabels } from "./targets.js";

export interface TrainingItem {
  /** Where the picture is. */
  readonly path: string;
  /** Its class number. */
  readonly label: number;
}

interface CommonPlan {
  readonly items: readonly TrainingItem[];
  readonly classes: number;
  readonly preprocessing: Preprocessing;
  readonly pool: ImagePool;
  /** Images a batch. */
  readonly batch: number;
  /** Batches that are being prepared while one is used; 2 by default. */
  readonly ahead?: number;
  readonly signal?: AbortSignal;
  /** Told once of each item that cannot be read. */
  readonly onSetAside?: (index: number, reason: string) => void;
}

export interface TrainingPlan extends CommonPlan {
  readonly augmentation: AugmentationOptions;
  readonly seed: number;
  /** "shuffle" by default. */
  readonly sampling?: Sampling;
  /** What becomes of an incomplete last batch; "drop" by default. A smaller set than one batch is padded. */
  readonly last?: "drop" | "pad";
  /**
   * [height, width] of the batches' images, each batch's drawn by (seed, epoch, number of the batch); by default all are of
   * the size that the preprocessing gives.
   */
  readonly sizes?: readonly (readonly [number, number])[];
  /** Of the classes, for messages; their numbers by default. */
  readonly names?: readonly string[];
  /** By class; see `balancedClassWeights`. */
  readonly classWeights?: Float32Array;
}

export interface TrainingBatches {
  /** The batches of an epoch, from the given one on; those before it cost nothing. */
  (epoch: number, from?: number): AsyncIterable<TrainingBatch>;
  /** Batches of every epoch. */
  readonly count: number;
}

function checkPlan(plan: CommonPlan): void {
  const { items, batch, ahead = 2 } = plan;
  if (items.length === 0) throw new VitreousError("There are no images to make batches of.");
  if (!Number.isInteger(batch) || batch < 1) {
    throw new VitreousError(`A batch must hold a whole number of images, at least 1, not ${batch}.`);
  }
  if (!Number.isInteger(ahead) || ahead < 0) {
    throw new VitreousError(
      `The number of batches made ahead must be a whole number, at least 0, not ${ahead}.`,
    );
  }
}

/** The images of a batch as one array; theirs go back to the pool. */
function gather(placed: readonly Placed[], batch: number, length: number, pool: ImagePool): Float32Array {
  const pixels = new Float32Array(batch * length);
  placed.forEach((one, i) => {
    pixels.set(one.pixels, i * length);
    pool.recycle(one.pixels);
  });
  return pixels;
}

function atSize(p: Preprocessing, size: readonly [number, number]): Preprocessing {
  const resized = resizedTo(p, size);
  // What cannot be resized depends on the picture, which `preparedDims` has refused.
  if (resized === undefined) throw new RangeError(`${p.source} cannot be brought to ${size.join("×")}`);
  return resized;
}

const drawn = <T>(all: readonly T[], next: Draw): T | undefined => all[below(next, all.length)];

/**
 * Batches for training. The same plan, epoch and batch number give the same bits, whatever came before and however many
 * workers there are. An image that cannot be read is told of and replaced by another of its class, always the same one.
 *
 * @throws VitreousError when the plan is wrong, no image of a class can be read, or a worker ended.
 */
export function trainingBatches(plan: TrainingPlan): TrainingBatches {
  checkPlan(plan);
  const { items, classes, preprocessing, pool, batch, augmentation, seed, sampling = "shuffle" } = plan;
  preparedDims(preprocessing);
  const preparations = (plan.sizes ?? []).map((image) => ({ image, prepared: atSize(preprocessing, image) }));
  const labels = items.map(({ label }) => label);
  oneHot(labels, classes);
  const last = items.length < batch ? "pad" : (plan.last ?? "drop");
  const count = batchCount(items.length, batch, last);
  const place = placing({
    items,
    pool,
    seed,
    others: (index) => labels.flatMap((label, i) => (label === labels[index] && i !== index ? [i] : [])),
    kind: (index) => {
      const name = plan.names?.[labels[index] ?? 0];
      return name === undefined ? ` of class ${labels[index]}` : ` of the class "${name}"`;
    },
    onSetAside: plan.onSetAside,
  });

  const make = async (
    order: Int32Array,
    epoch: number,
    n: number,
    signal: AbortSignal,
  ): Promise<TrainingBatch> => {
    const start = n * batch;
    const { image, prepared } = drawn(preparations, drawsFor("size", seed, epoch, n)) ?? {
      image: undefined,
      prepared: preprocessing,
    };
    const dims = preparedDims(prepared);
    const chosen = order.subarray(start, start + batch);
    const placed = await Promise.all(
      [...chosen].map((index, i) => {
        const at = start + i;
        const augment = { options: augmentation, seed, epoch, place: at };
        return place(index, { preprocessing: prepared, augment }, { epoch, at }, signal);
      }),
    );
    const indices = placed.map(({ index }) => index);
    const size = indices.length;
    const pixels = gather(placed, batch, dims[0] * dims[1] * dims[2], pool);
    const targets = oneHot(
      indices.map((index) => labels[index] ?? 0),
      classes,
      batch,
    );
    mixBatch({ pixels, targets, size, dims, classes }, augmentation, drawsFor("batch", seed, epoch, n));
    const weights = sampleWeights(targets, classes, batch, size, plan.classWeights);
    smoothLabels(targets, classes, size, augmentation.labelSmoothing);
    return {
      pixels,
      targets,
      sampleWeights: weights,
      indices,
      size,
      ...(image && { image }),
    };
  };

  const batches = (epoch: number, from = 0): AsyncIterable<TrainingBatch> => {
    const order = epochOrder(labels, sampling, seed, epoch);
    return inOrder(from, count, plan.ahead ?? 2, (n, signal) => make(order, epoch, n, signal), plan.signal);
  };
  return Object.assign(batches, { count });
}

/**
 * Batches for evaluation: every image once, in order, prepared as the model wants and not augmented; the last batch is
 * padded. An image that cannot be read is told of and left out: `indices` says which images a batch holds.
 */
export function evaluationBatches(plan: CommonPlan): () => AsyncIterable<TrainingBatch> {
  checkPlan(plan);
  const { items, classes, preprocessing, pool, batch } = plan;
  const [channels, height, width] = preparedDims(preprocessing);
  const length = channels * height * width;
  const told = new Set<number>();

  const make = async (n: number, signal: AbortSignal): Promise<TrainingBatch> => {
    const chosen = items.slice(n * batch, (n + 1) * batch);
    const prepared = await Promise.all(
      chosen.map(({ path }) => pool.prepare({ path, preparation: { preprocessing } }, signal)),
    );
    const placed = prepared.flatMap((one, i): Placed[] => {
      const index = n * batch + i;
      if ("pixels" in one) return [{ index, pixels: one.pixels }];
      if (!told.has(index)) plan.onSetAside?.(index, one.failure);
      told.add(index);
      return [];
    });
    const indices = placed.map(({ index }) => index);
    const size = indices.length;
    const targets = oneHot(
      indices.map((index) => items[index]?.label ?? 0),
      classes,
      batch,
    );
    return {
      pixels: gather(placed, batch, length, pool),
      targets,
      sampleWeights: new Float32Array(batch).fill(size > 0 ? 1 / size : 0, 0, size),
      indices,
      size,
    };
  };
  return () => inOrder(0, batchCount(items.length, batch, "pad"), plan.ahead ?? 2, make, plan.signal);
}

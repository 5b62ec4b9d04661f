/**
 * @file Batches of crops, made ahead of need by the same workers as those of other trainings: a picture is decoded once
 * for all of its crops. Which pictures, in what order, with what draws, is settled by (seed, epoch, place).
 */
import type { Preprocessing } from "../../imaging/preprocessing.js";
import { inOrder } from "../../in-order.js";
import { VitreousError } from "../../onnx/errors.js";
import type { DinoBatch } from "../dino/types.js";
import { cropLengths } from "./multi-crop.js";
import type { MultiCropOptions } from "./multi-crop-options.js";
import { placing } from "./placing.js";
import type { ImagePool } from "./pool.js";
import { preparedDims } from "./prepare.js";
import { batchCount, epochOrder } from "./sampling.js";

export interface MultiCropPlan {
  readonly items: readonly { readonly path: string }[];
  /** Of the large crops. */
  readonly preprocessing: Preprocessing;
  readonly crops: MultiCropOptions;
  readonly pool: ImagePool;
  /** Images a batch. */
  readonly batch: number;
  readonly seed: number;
  /** Batches that are being prepared while one is used; 2 by default. */
  readonly ahead?: number;
  readonly signal?: AbortSignal;
  /** Told once of each item that cannot be read. */
  readonly onSetAside?: (index: number, reason: string) => void;
}

export interface MultiCropBatches {
  /** The batches of an epoch, from the given one on; those before it cost nothing. */
  (epoch: number, from?: number): AsyncIterable<DinoBatch>;
  /** Batches of every epoch; the images that would not fill another one wait for the next epoch. */
  readonly count: number;
}

/** @throws VitreousError for fewer images than a batch holds */
export function requireBatch(images: number, batch: number): void {
  if (images >= batch) return;
  throw new VitreousError(
    `A batch of ${batch} needs as many images, and there are ${images} to learn from; give a smaller batch.`,
  );
}

/**
 * Batches of crops. The same plan, epoch and batch number give the same bits, whatever came before and however many
 * workers there are. An image that cannot be read is told of and replaced by another, always the same one.
 *
 * @throws VitreousError for fewer images than a batch holds; while they are made, when no image can be read or a worker
 *   ended
 */
export function multiCropBatches(plan: MultiCropPlan): MultiCropBatches {
  const { items, preprocessing, crops, pool, batch, seed, ahead = 2 } = plan;
  requireBatch(items.length, batch);
  const lengths = cropLengths(preparedDims(preprocessing), crops);
  const count = batchCount(items.length, batch, "drop");
  const labels = items.map(() => 0);
  const place = placing({
    items,
    pool,
    seed,
    others: (index) => items.flatMap((_, i) => (i === index ? [] : [i])),
    kind: () => "",
    onSetAside: plan.onSetAside,
  });

  const make = async (
    order: Int32Array,
    epoch: number,
    n: number,
    signal: AbortSignal,
  ): Promise<DinoBatch> => {
    const start = n * batch;
    const placed = await Promise.all(
      [...order.subarray(start, start + batch)].map((index, i) => {
        const at = start + i;
        const random = { options: crops, seed, epoch, place: at };
        return place(index, { preprocessing, crops: random }, { epoch, at }, signal);
      }),
    );
    const sets = lengths.map((length) => new Float32Array(batch * length));
    placed.forEach(({ pixels }, i) => {
      let from = 0;
      for (const set of sets) {
        const length = set.length / batch;
        set.set(pixels.subarray(from, from + length), i * length);
        from += length;
      }
      pool.recycle(pixels);
    });
    const [first = new Float32Array(), second = new Float32Array(), ...locals] = sets;
    return { globals: [first, second], locals, size: batch, indices: placed.map(({ index }) => index) };
  };

  const batches = (epoch: number, from = 0): AsyncIterable<DinoBatch> => {
    const order = epochOrder(labels, "shuffle", seed, epoch);
    return inOrder(from, count, ahead, (n, signal) => make(order, epoch, n, signal), plan.signal);
  };
  return Object.assign(batches, { count });
}

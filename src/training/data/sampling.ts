/**
 * @file In what order an epoch sees the images. A pure function of seed and epoch, so that training which goes on after
 * a stop sees what it would have seen.
 */
import { shuffle } from "../../random.js";
import { below, drawsFor } from "./draws.js";

/**
 * "shuffle": each image once. "balanced": as many draws as there are images, with replacement, every class equally
 * likely and every image of it too (torch's WeightedRandomSampler with weights of 1 / class count).
 */
export type Sampling = "shuffle" | "balanced";

/** Places in `labels`, in the order of an epoch. */
export function epochOrder(
  labels: readonly number[],
  sampling: Sampling,
  seed: number,
  epoch: number,
): Int32Array {
  const next = drawsFor("order", seed, epoch);
  const order = Int32Array.from(labels, (_, i) => i);
  if (sampling === "shuffle") {
    shuffle(order, 0, order.length, next);
    return order;
  }
  const byClass = new Map<number, number[]>();
  labels.forEach((label, i) => {
    const members = byClass.get(label);
    if (members) members.push(i);
    else byClass.set(label, [i]);
  });
  const classes = [...byClass].sort(([a], [b]) => a - b).map(([, members]) => members);
  return order.map(() => {
    const members = classes[below(next, classes.length)] ?? [];
    return members[below(next, members.length)] ?? 0;
  });
}

/** Batches of an epoch; an incomplete last one is dropped or padded. */
export function batchCount(images: number, batch: number, last: "drop" | "pad"): number {
  return last === "drop" ? Math.floor(images / batch) : Math.ceil(images / batch);
}

/**
 * @file Images in their places of an epoch. One that cannot be read is told of once and replaced, always by the same
 * other one, so that a damaged file changes no batch's size and no other image's draws.
 */
import { VitreousError } from "../../onnx/errors.js";
import { shuffle } from "../../random.js";
import { drawsFor } from "./draws.js";
import type { ImagePool } from "./pool.js";
import type { Preparation } from "./prepare.js";

/** An image in its place of a batch. */
export interface Placed {
  readonly index: number;
  readonly pixels: Float32Array;
}

export interface PlacingPlan {
  readonly items: readonly { readonly path: string }[];
  readonly pool: ImagePool;
  readonly seed: number;
  /** Which others may take an image's place. */
  readonly others: (index: number) => readonly number[];
  /** What `others` are, for the message where none of them can be read: "of class 3". */
  readonly kind: (index: number) => string;
  /** Told once of each item that cannot be read. */
  readonly onSetAside?: ((index: number, reason: string) => void) | undefined;
}

/** Prepares image `index` for place `at` of an epoch, or what replaces it there. */
export type Place = (
  index: number,
  preparation: Preparation,
  where: { readonly epoch: number; readonly at: number },
  signal: AbortSignal,
) => Promise<Placed>;

/** The function that it gives throws VitreousError where nothing can take an image's place, or a worker ended. */
export function placing(plan: PlacingPlan): Place {
  const { items, pool, seed, others, kind, onSetAside } = plan;
  const broken = new Map<number, string>();

  const attempt = async (
    index: number,
    preparation: Preparation,
    signal: AbortSignal,
  ): Promise<Placed | undefined> => {
    const item = items[index];
    if (!item || broken.has(index)) return undefined;
    const prepared = await pool.prepare({ path: item.path, preparation }, signal);
    if ("pixels" in prepared) return { index, pixels: prepared.pixels };
    if (!broken.has(index)) {
      broken.set(index, prepared.failure);
      onSetAside?.(index, prepared.failure);
    }
    return undefined;
  };

  return async (index, preparation, { epoch, at }, signal) => {
    const first = await attempt(index, preparation, signal);
    if (first) return first;
    const candidates = Int32Array.from(others(index));
    shuffle(candidates, 0, candidates.length, drawsFor("replacement", seed, epoch, at));
    for (const other of candidates) {
      const placed = await attempt(other, preparation, signal);
      if (placed) return placed;
    }
    throw new VitreousError(
      `No image${kind(index)} can be read; the first: ${broken.get(index) ?? "unknown"}`,
    );
  };
}

/**
 * @file What a study computes on: the images of each data set, chosen and known by their bytes, in the order and the
 * chunks in which they are computed. All of it follows from the declaration and the files, never from an earlier run.
 */
import type { StudyDataset, StudyFailure } from "../types.js";

export interface PlannedImage {
  /** Its path within the data set, with "/" on every system. */
  readonly name: string;
  /** Where it is on this machine. */
  readonly path: string;
  /** Of the file's bytes, hexadecimal. */
  readonly sha256: string;
  /** The class that the data set says; null where it says none. */
  readonly label: string | null;
  /** Images of one group are not independent: a patient's, near-duplicates, byte-identical files. null: it stands alone. */
  readonly group: string | null;
}

export interface PlannedDataset {
  readonly dataset: StudyDataset;
  /** Labels of the data set in natural order, whether or not an image of each was chosen. */
  readonly classes: readonly string[];
  /** In the order of selection: a larger `images` begins with the same ones. */
  readonly images: readonly PlannedImage[];
  /** The images, `run.unit` at a time; the last chunk may be shorter. */
  readonly chunks: readonly (readonly PlannedImage[])[];
  /** Images of the data set (or of its part) that could have been chosen, unreadable ones among them. */
  readonly available: number;
  /** Sentences for people. */
  readonly notes: readonly string[];
}

export interface StudyPlan {
  /** In declared order. */
  readonly datasets: readonly PlannedDataset[];
  /** Images that would have been chosen and cannot be read; others stand in their place where there are any. */
  readonly failures: readonly StudyFailure[];
}

/** Arrays of `size`; the last may be shorter. */
export function chunksOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

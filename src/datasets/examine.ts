/**
 * @file A closer look at a data set, on request, since it opens every file: which pictures are of an unusual size and
 * whether that depends on the class (a shortcut that a classifier may learn), which files are no pictures, which
 * masks are empty.
 */

import { VitreousError } from "../onnx/errors.js";
import type { Dataset, DatasetItem, Skipped } from "./dataset.js";
import { type Looker, lookAt, lookAtEach } from "./look.js";
import { readMask } from "./masks.js";
import { offSizeNote, shortcutNotes } from "./size-notes.js";

export interface Examination {
  /** Images of each size, "360×363", the commonest first. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Names of images whose mask marks nothing: localisation is undefined for them. */
  readonly emptyMasks: readonly string[];
  readonly broken: readonly Skipped[];
  /** Sentences for people. */
  readonly notes: readonly string[];
}

/** Reads every header and every mask. */
export async function examineDataset(
  dataset: Dataset,
  options: {
    readonly signal?: AbortSignal;
    readonly onProgress?: (done: number, total: number) => void;
    /** Reads a picture's file; by default each is read anew. */
    readonly look?: Looker;
  } = {},
): Promise<Examination> {
  const { look = lookAt } = options;
  const sizeOf = new Map<string, string>();
  const counts = new Map<string, number>();
  const broken: Skipped[] = [];
  const emptyMasks: string[] = [];
  let done = 0;
  const looked = lookAtEach(dataset.items, (item) => examineItem(item, look), options.signal);
  for await (const { item, ...seen } of looked) {
    if (seen.size !== undefined) {
      sizeOf.set(item.name, seen.size);
      counts.set(seen.size, (counts.get(seen.size) ?? 0) + 1);
    }
    if (seen.emptyMask) emptyMasks.push(item.name);
    if (seen.failure !== undefined) broken.push({ path: item.path, reason: seen.failure });
    options.onProgress?.(++done, dataset.items.length);
  }
  const sizes = new Map([...counts].sort((a, b) => b[1] - a[1]));
  const common = sizes.keys().next().value;
  return {
    sizes,
    emptyMasks,
    broken,
    notes: [
      ...(common === undefined ? [] : offSizeNote(sizeOf, dataset.items, common)),
      ...shortcutNotes(sizeOf, dataset.items),
      ...(broken.length > 0 ? [`${broken.length} files are no readable images`] : []),
      ...(emptyMasks.length > 0
        ? [`${emptyMasks.length} images have an empty mask: localisation is undefined for them`]
        : []),
    ],
  };
}

interface ExaminedItem {
  readonly item: DatasetItem;
  /** "360×363" */
  readonly size?: string;
  readonly emptyMask?: boolean;
  /** Why the picture, or its mask, cannot be read. */
  readonly failure?: string;
}

async function examineItem(item: DatasetItem, look: Looker): Promise<ExaminedItem> {
  let size: string | undefined;
  try {
    const found = await look(item.path);
    if ("failure" in found) return { item, failure: found.failure };
    size = `${found.width}×${found.height}`;
    return { item, size, emptyMask: item.masks !== undefined && (await readMask(item.masks)).area === 0 };
  } catch (error) {
    if (!(error instanceof VitreousError)) throw error;
    return { item, ...(size !== undefined && { size }), failure: error.message };
  }
}

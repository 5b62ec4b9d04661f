/** @file A split that was made before, read back: its images, where they are on this machine. */
import { readFile } from "node:fs/promises";
import type { Dataset } from "../../../datasets/dataset.js";
import { readFailure } from "../../../imaging/node/file-error.js";
import { VitreousError } from "../../../onnx/errors.js";
import type { TrainingItem } from "../batches.js";
import { type Part, readSplits, type SplitRecord } from "../splits.js";

/** A record from its file. @throws VitreousError as `readSplits`, and when the file cannot be read. */
export async function openSplits(path: string): Promise<SplitRecord> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw readFailure(path, error);
  });
  return readSplits(text, path);
}

/**
 * The images of each part of a record, where they are on this machine.
 *
 * @throws VitreousError when an image of the record is not in the data set or has another label there.
 */
export function itemsOfSplits(
  record: SplitRecord,
  dataset: Dataset,
): Readonly<Record<Part, readonly (TrainingItem & { readonly name: string })[]>> {
  const known = new Map(dataset.items.map((item) => [item.name, item]));
  const number = new Map(record.classes.map((label, i) => [label, i]));
  const lost = record.items.filter(({ path }) => !known.has(path));
  if (lost.length > 0) {
    throw new VitreousError(
      `${lost.length === 1 ? "1 image of the split is" : `${lost.length} images of the split are`} not in ${dataset.root}, ${lost[0]?.path} for one; is it the data set that was split?`,
    );
  }
  const of = (part: Part) =>
    record.items.flatMap(({ path, label, split }) => {
      const item = known.get(path);
      if (split !== part || !item) return [];
      if (item.label !== label) {
        const own = item.label === undefined ? "has no label" : `is "${item.label}"`;
        throw new VitreousError(`${path} is "${label}" in the split and ${own} in ${dataset.root}.`);
      }
      return [{ name: path, path: item.path, label: number.get(label) ?? 0 }];
    });
  return { train: of("train"), validation: of("validation"), test: of("test") };
}

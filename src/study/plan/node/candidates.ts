/**
 * @file The images of a data set that a study may take: all of them, or those of one part, as the data set's own column
 * or the record of a fine-tuning's split says. A model is only to be judged on images that it was not trained on.
 */
import type { Dataset } from "../../../datasets/dataset.js";
import { VitreousError } from "../../../onnx/errors.js";
import { openSplits } from "../../../training/data/node/open-splits.js";
import { partNamed } from "../../../training/data/splits.js";
import type { StudyDataset } from "../../types.js";

export interface Candidate {
  readonly name: string;
  readonly path: string;
  readonly label?: string;
  readonly group?: string;
}

/** @throws VitreousError when the part is unknown or empty, or its images are not in the data set. */
export async function candidatesOf(declared: StudyDataset, dataset: Dataset): Promise<readonly Candidate[]> {
  const { split, splits, path } = declared;
  if (split === null) return dataset.items;
  if (splits !== null) return partOfRecord(split, splits, dataset);
  const names = [...new Set(dataset.items.flatMap((item) => item.split ?? []))];
  if (names.length === 0) {
    throw new VitreousError(
      `${path} says of no image that it is in "${split}": give the splits.json of a fine-tuning as "splits", or leave "split" out to take all images`,
    );
  }
  const found = dataset.items.filter((item) => item.split !== undefined && sameSplit(item.split, split));
  if (found.length > 0) return found;
  throw new VitreousError(`${path} has no image in the split "${split}"; its splits are ${names.join(", ")}`);
}

/** As written, or as two names of one part ("val", "validation"). */
function sameSplit(a: string, b: string): boolean {
  const [x, y] = [a, b].map((name) => partNamed(name) ?? name.trim().toLowerCase());
  return x === y;
}

async function partOfRecord(split: string, splits: string, dataset: Dataset): Promise<readonly Candidate[]> {
  const record = await openSplits(splits);
  const part = partNamed(split);
  const listed = record.items.filter((item) => item.split === part);
  if (listed.length === 0) {
    const names = [...new Set(record.items.map((item) => item.split))];
    throw new VitreousError(`${splits} has no image in "${split}"; its parts are ${names.join(", ")}`);
  }
  const pathOf = new Map(dataset.items.map(({ name, path }) => [name, path]));
  const lost: string[] = [];
  const found: Candidate[] = [];
  for (const { path: name, label, group } of listed) {
    const path = pathOf.get(name);
    if (path === undefined) lost.push(name);
    else found.push({ name, path, label, ...(group === undefined ? {} : { group }) });
  }
  if (lost.length === 0) return found;
  throw new VitreousError(
    `${lost.length} of ${listed.length} images that ${splits} puts in "${split}" are not in ${dataset.root}, ${lost[0]} for one; is it the data set that was split?`,
  );
}

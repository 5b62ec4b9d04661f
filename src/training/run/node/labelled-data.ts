/** @file The data set of a fine-tuning: its images in their parts, and what must be said of it before anything is trained. */
import { createHash } from "node:crypto";
import { labelsFromText } from "../../../api/labels.js";
import { readText } from "../../../api/node/text.js";
import type { Dataset } from "../../../datasets/dataset.js";
import type { Looker } from "../../../datasets/look.js";
import { openDataset } from "../../../datasets/open.js";
import { VitreousError } from "../../../onnx/errors.js";
import { itemsOfSplits, openSplits } from "../../data/node/open-splits.js";
import { type NearDuplicates, splitDataset } from "../../data/node/splits.js";
import type { Part, SplitRecord } from "../../data/splits.js";
import type { FinetuneOptions } from "../options.js";
import { acrossNotes } from "./across-parts.js";
import type { EvaluatedItem } from "./evaluate.js";

/** Of each class: one image to train on, one to choose by, one to test on. */
const LEAST_IMAGES = 3;

export interface LabelledData {
  readonly splits: SplitRecord;
  readonly parts: Readonly<Record<Part, readonly EvaluatedItem[]>>;
  /** Of names, labels, groups and parts. */
  readonly sha256: string;
  readonly notes: readonly string[];
}

export interface DataRequest {
  readonly path: string;
  /** File with the names of the classes, in the order that they are to have. */
  readonly labels?: string;
  /** File with the split of another run, which is then this one's. */
  readonly splits?: string;
  /** Whether images that look almost alike are looked for; they are by default. */
  readonly nearDuplicates?: NearDuplicates;
  /** `sha256` of a run that is to be gone on with; one that began before likeness was looked at keeps its split. */
  readonly goesOnWith?: string;
  readonly options: Pick<FinetuneOptions, "validation" | "test" | "seed">;
  /** Reads the pictures' files; by default each is read anew. */
  readonly look?: Looker;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** @throws VitreousError: no data set, one class, a class with too few images, parts without images, other labels */
export async function labelledData(request: DataRequest): Promise<LabelledData> {
  const { path, signal } = request;
  const dataset = await openDataset(path, { ...(signal && { signal }) });
  if (dataset.classes.length === 0)
    throw new VitreousError(
      `${path}: its images have no labels; put them in a folder for each class, or write a manifest.csv with a label column`,
    );
  return inParts(dataset, request);
}

/** The same of a data set that is open, and has labels. */
export async function inParts(dataset: Dataset, request: DataRequest): Promise<LabelledData> {
  const { path } = request;
  const found =
    request.splits === undefined ? await ownSplit(dataset, request) : await openSplits(request.splits);
  for (const label of found.classes) {
    const images = found.items.filter((item) => item.label === label).length;
    if (images < LEAST_IMAGES)
      throw new VitreousError(
        `${path}: the class "${label}" has ${images} ${images === 1 ? "image" : "images"}; training, validation and test need at least ${LEAST_IMAGES} of each class`,
      );
  }
  const splits = await inOrder(found, request);
  const groups = new Map(splits.items.map(({ path: name, group }) => [name, group]));
  const items = itemsOfSplits(splits, dataset);
  const part = (name: Part): readonly EvaluatedItem[] => {
    if (items[name].length === 0)
      throw new VitreousError(`${path}: no image is left for ${name}; give it a larger share`);
    return items[name].map((item) => {
      const group = groups.get(item.name);
      return { ...item, ...(group !== undefined && { group }) };
    });
  };
  return {
    splits,
    parts: { train: part("train"), validation: part("validation"), test: part("test") },
    sha256: sha256Of(splits),
    notes: [
      ...dataset.notes,
      ...(request.splits === undefined ? [] : [givenNote(splits, dataset, request.splits)]),
      ...(request.splits === undefined || request.nearDuplicates === "ignore"
        ? []
        : await acrossNotes(splits, dataset, request)),
      ...splits.warnings.filter((warning) => !dataset.notes.includes(warning)),
    ],
  };
}

function givenNote({ items, setAside }: SplitRecord, dataset: Dataset, file: string): string {
  const known = new Set([...items, ...setAside].map(({ path }) => path));
  const rest = dataset.items.filter(({ name }) => !known.has(name)).length;
  return `the split is that of ${file}${rest === 0 ? "" : `, which leaves out ${rest} of the data set's images`}`;
}

const sha256Of = ({ classes, items }: SplitRecord): string =>
  createHash("sha256")
    .update(JSON.stringify([classes, items]))
    .digest("hex");

/** The split of this data set; that which the run to go on with has, where likeness alone makes the difference. */
async function ownSplit(dataset: Dataset, request: DataRequest): Promise<SplitRecord> {
  const { goesOnWith } = request;
  const found = await split(dataset, request);
  if (goesOnWith === undefined || (found.nearDuplicates ?? []).length === 0) return found;
  if (sha256Of(await inOrder(found, request)) === goesOnWith) return found;
  const before = await split(dataset, { ...request, nearDuplicates: "ignore" });
  return sha256Of(await inOrder(before, request)) === goesOnWith ? before : found;
}

const inOrder = async (splits: SplitRecord, { labels }: DataRequest): Promise<SplitRecord> =>
  labels === undefined ? splits : inOrderOf(splits, labels);

/** A split of the data set's own making, or by the seed. */
function split(dataset: Dataset, request: DataRequest): Promise<SplitRecord> {
  const { options, nearDuplicates, look, signal, onProgress } = request;
  const { validation, test, seed } = options;
  const train = 1 - validation - test;
  if (!(train > 0))
    throw new VitreousError(
      `validation and test take ${validation} and ${test} of the images, which leaves none to train on`,
    );
  return splitDataset(dataset, {
    fractions: { train, validation, test },
    seed,
    ...(nearDuplicates && { nearDuplicates }),
    ...(look && { look }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
}

async function inOrderOf(splits: SplitRecord, file: string): Promise<SplitRecord> {
  const { text } = await readText(file);
  const labels = labelsFromText(text, file);
  const [own, given] = [new Set(splits.classes), new Set(labels)];
  const strange = labels.filter((label) => !own.has(label));
  const missing = splits.classes.filter((label) => !given.has(label));
  if (strange.length > 0 || missing.length > 0 || given.size !== labels.length)
    throw new VitreousError(
      `${file} must name each class of the data set once (${splits.classes.join(", ")}), not ${labels.join(", ")}`,
    );
  return { ...splits, classes: [...labels] };
}

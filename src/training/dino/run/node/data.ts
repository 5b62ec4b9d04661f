/**
 * @file The images of a pretraining. Where they have labels, only the training part of the split is learnt from, the very
 * split that fine-tuning with the same seed makes, or that of another run: its test images are then unseen by both.
 */
import { createHash } from "node:crypto";
import { examineDataset } from "../../../../datasets/examine.js";
import { openDataset } from "../../../../datasets/open.js";
import { VitreousError } from "../../../../onnx/errors.js";
import { ownPart } from "../../../data/decide-parts.js";
import { type DataRequest, inParts, type LabelledData } from "../../../run/node/labelled-data.js";

interface NamedImage {
  readonly path: string;
  readonly name: string;
}

export interface PretrainingData {
  readonly name: string;
  /** What is learnt from. */
  readonly train: readonly NamedImage[];
  /** Where there are labels of two classes at least. */
  readonly labelled: LabelledData | undefined;
  /** Of the names, and of the labels, groups and parts where there are any. */
  readonly sha256: string;
  readonly setAside: readonly { readonly image: string; readonly reason: string }[];
  readonly notes: readonly string[];
}

export type PretrainingDataRequest = Omit<DataRequest, "labels">;

/** @throws VitreousError: no data set, no image in it that can be read; of labelled ones as `labelledData` */
export async function pretrainingData(request: PretrainingDataRequest): Promise<PretrainingData> {
  const { path, look, signal, onProgress } = request;
  const watch = { ...(look && { look }), ...(signal && { signal }), ...(onProgress && { onProgress }) };
  const dataset = await openDataset(path, { ...(signal && { signal }) });
  if (dataset.classes.length > 1 || request.splits !== undefined) {
    const labelled = await inParts(dataset, request);
    const { splits, parts, sha256, notes } = labelled;
    return {
      name: splits.dataset.name || path,
      train: parts.train,
      labelled,
      sha256,
      setAside: splits.setAside.map(({ path: image, reason }) => ({ image, reason })),
      notes,
    };
  }
  // Masks play no part in training.
  const bare = dataset.items.map(({ masks: _, ...item }) => item);
  const { broken } = await examineDataset({ ...dataset, items: bare }, watch);
  const reasons = new Map(broken.map(({ path: image, reason }) => [image, reason]));
  const train = bare.filter((item) => !reasons.has(item.path) && (ownPart(item) ?? "train") === "train");
  if (train.length === 0) throw new VitreousError(`${path}: no image is left to learn from`);
  return {
    name: dataset.name || path,
    train: train.map(({ path: file, name }) => ({ path: file, name })),
    labelled: undefined,
    sha256: createHash("sha256")
      .update(JSON.stringify(train.map(({ name }) => name)))
      .digest("hex"),
    setAside: bare.flatMap(({ path: file, name }) => {
      const reason = reasons.get(file);
      return reason === undefined ? [] : [{ image: name, reason }];
    }),
    notes: [
      ...dataset.notes,
      `the images have no labels${dataset.classes.length === 1 ? " but one" : ""}: all ${train.length} are learnt from, and nothing tells how well`,
    ],
  };
}

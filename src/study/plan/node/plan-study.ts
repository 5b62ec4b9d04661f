/**
 * @file From a declaration to the images it means: data sets opened, images chosen and read once, so that whatever
 * computes on them knows each by its bytes and meets none that cannot be decoded.
 */
import { pipelined } from "../../../api/batches.js";
import { sha256OfBytes } from "../../../api/node/sha256.js";
import { openDataset } from "../../../datasets/open.js";
import { decodeImage } from "../../../imaging/node/decode.js";
import { readBytes } from "../../../imaging/node/file-error.js";
import { VitreousError } from "../../../onnx/errors.js";
import { joinGroups } from "../../../training/data/groups.js";
import type { StudyDataset, StudyDeclaration, StudyFailure } from "../../types.js";
import { chunksOf, type PlannedDataset, type PlannedImage, type StudyPlan } from "../plan.js";
import { inTurn, queuesOf } from "../select.js";
import { type Candidate, candidatesOf } from "./candidates.js";

export interface PlanSettings {
  readonly signal?: AbortSignal;
  /** Images read so far, of how many at most, of which data set. */
  readonly onProgress?: (done: number, total: number, dataset: string) => void;
}

/** Images that are read at once. */
const AHEAD = 4;

/**
 * Opens the data sets of a study and chooses their images. Every chosen image is decoded once: one that cannot be is
 * named among the failures, and the next of its class is taken.
 *
 * @throws VitreousError: no such data set, no such part, no image of it can be read.
 */
export async function planStudy(
  declaration: StudyDeclaration,
  settings: PlanSettings = {},
): Promise<StudyPlan> {
  const failures: StudyFailure[] = [];
  const datasets: PlannedDataset[] = [];
  for (const dataset of declaration.datasets) {
    datasets.push(await planDataset(dataset, declaration, settings, failures));
  }
  return { datasets, failures };
}

async function planDataset(
  dataset: StudyDataset,
  declaration: StudyDeclaration,
  { signal, onProgress }: PlanSettings,
  failures: StudyFailure[],
): Promise<PlannedDataset> {
  const opened = await openDataset(dataset.path, signal ? { signal } : {});
  const candidates = await candidatesOf(dataset, opened);
  const usable = declaration.class === "true" ? labelled(dataset, candidates) : candidates;
  const queues = queuesOf(usable, dataset.select, declaration.seed);
  const wanted = Math.min(dataset.images ?? usable.length, usable.length);
  const depth = Math.max(2, Math.ceil(AHEAD / queues.length));
  const readable = async function* (queue: readonly Candidate[]): AsyncGenerator<PlannedImage> {
    for await (const read of pipelined(queue, depth, (item) => readImage(item, dataset.id, signal))) {
      if ("reason" in read) failures.push(read);
      else yield read;
    }
  };
  const images: PlannedImage[] = [];
  for await (const image of inTurn(queues.map(readable))) {
    signal?.throwIfAborted();
    images.push(image);
    onProgress?.(images.length, wanted, dataset.id);
    if (images.length === wanted) break;
  }
  if (images.length === 0) {
    const reason = failures.find((failure) => failure.dataset === dataset.id)?.reason;
    throw new VitreousError(`${dataset.path}: none of ${usable.length} images can be read (${reason})`);
  }
  const notes = [
    ...opened.notes,
    ...(usable.length < candidates.length
      ? [`${candidates.length - usable.length} images without a label left out: the true class is explained`]
      : []),
  ];
  const grouped = withGroups(images);
  return {
    dataset,
    classes: opened.classes,
    images: grouped,
    chunks: chunksOf(grouped, declaration.run.unit),
    available: usable.length,
    notes,
  };
}

function labelled(dataset: StudyDataset, candidates: readonly Candidate[]): readonly Candidate[] {
  const known = candidates.filter(({ label }) => label !== undefined);
  if (known.length > 0) return known;
  throw new VitreousError(
    `${dataset.path}: class "true" needs labelled images, and none of these has a label: use a folder for each class, or a manifest.csv with a label column`,
  );
}

async function readImage(
  item: Candidate,
  dataset: string,
  signal: AbortSignal | undefined,
): Promise<PlannedImage | StudyFailure> {
  signal?.throwIfAborted();
  const { name, path, label = null, group = null } = item;
  try {
    const bytes = await readBytes(path);
    await decodeImage(bytes, name);
    return { name, path, sha256: sha256OfBytes(bytes), label, group };
  } catch (error) {
    if (!(error instanceof VitreousError)) throw error;
    const reason = error.message.replaceAll(path, name);
    return { dataset, image: name, model: null, method: null, reason };
  }
}

/** Images with the same bytes are one group, joined with those that the data set says. */
function withGroups(images: readonly PlannedImage[]): readonly PlannedImage[] {
  const firstOf = new Map<string, string>();
  const identical = new Map<string, string>();
  for (const { name, sha256 } of images) {
    const first = firstOf.get(sha256);
    if (first === undefined) firstOf.set(sha256, name);
    else identical.set(first, first).set(name, first);
  }
  const groups = joinGroups(
    images.map(({ name, group }) => (group === null ? { name } : { name, group })),
    identical,
  );
  return images.map((image) => ({ ...image, group: groups.get(image.name) ?? null }));
}

/**
 * @file The images of a command, read a few ahead of where they are needed. One that cannot be read is set aside with
 * its reason and costs the others nothing.
 */
import { basename, dirname, resolve, sep } from "node:path";
import { pipelined } from "../api/batches.js";
import type { ModelImage } from "../api/image.js";
import type { NodeModel } from "../api/node/node-model.js";
import { classReader } from "../api/target.js";
import { collectImages, type InputImage } from "../datasets/collect.js";
import { openDataset } from "../datasets/open.js";
import { VitreousError } from "../onnx/errors.js";
import { mix } from "../random.js";
import { plural } from "./format.js";

export interface NamedImage {
  readonly image: ModelImage;
  /** What output files are called. */
  readonly stem: string;
  /** A number made from its content: what is random about an image does not depend on which others are there. */
  readonly seed: number;
  /** Images of one group are not independent: intervals draw whole groups. */
  readonly group?: string;
}

export interface Failure {
  readonly image: string;
  readonly error: string;
}

export interface ImageList {
  /** The images of one file: one picture, or the items of a .npy batch. */
  readonly files: readonly (readonly InputImage[])[];
  readonly count: number;
  readonly failed: Failure[];
  readonly notes: readonly string[];
  /** Label and group of a file (by its resolved path), where a data set says so. */
  readonly facts: ReadonlyMap<string, { readonly label?: string; readonly group?: string }>;
}

/**
 * What the command line's images are.
 *
 * @param out the folder that results go to: what an earlier run wrote there is not taken for images
 * @throws VitreousError when none can be used
 */
export async function listImages(paths: readonly string[], out: string): Promise<ImageList> {
  const { images, failed, notes } = await collectImages(paths);
  const own = ownResults(paths, out);
  const wanted = images.filter(({ path }) => !own(path));
  if (wanted.length === 0 && images.length > 0)
    throw new VitreousError(`there are no images but those in ${out}, where the results go`);
  const left = images.length - wanted.length;
  const files: InputImage[][] = [];
  for (const image of wanted) {
    const last = files.at(-1);
    if (last?.[0]?.path === image.path) last.push(image);
    else files.push([image]);
  }
  return {
    files,
    count: wanted.length,
    failed: [...failed],
    notes:
      left === 0 ? notes : [...notes, `${plural(left, "file")} in ${out}, where the results go, skipped`],
    facts: await datasetFacts(paths),
  };
}

/** Whether a file lies in the results' folder, where that is inside of a folder that is searched and not named itself. */
function ownResults(paths: readonly string[], out: string): (path: string) => boolean {
  const inside = (path: string, folder: string): boolean =>
    resolve(path).startsWith(`${resolve(folder)}${sep}`);
  if (paths.some((path) => resolve(path) === resolve(out) || inside(path, out))) return () => false;
  return (path) => inside(path, out);
}

/** Labels and groups of folders that are data sets; a folder that is none has none. */
async function datasetFacts(paths: readonly string[]): Promise<ImageList["facts"]> {
  const facts = new Map<string, { label?: string; group?: string }>();
  for (const path of paths) {
    const dataset = await openDataset(path).catch((error: unknown) => {
      if (error instanceof VitreousError) return undefined;
      throw error;
    });
    for (const { path: file, label, group } of dataset?.items ?? []) {
      facts.set(resolve(file), {
        ...(label !== undefined && { label }),
        ...(group !== undefined && { group }),
      });
    }
  }
  return facts;
}

/** What to say of how pictures are prepared: nothing where all images are tensors, which are taken as they are. */
export function preparationWarnings({ warnings }: NodeModel, { files }: ImageList): readonly string[] {
  const pictures = files.some(([first]) => first !== undefined && !/\.npy$/i.test(first.path));
  return pictures ? warnings : [];
}

/** Decoding runs this many files ahead of the model. */
const AHEAD = 4;

export interface ReadSettings {
  readonly signal: AbortSignal;
  /** An image without a label is set aside. */
  readonly labelled: boolean;
}

export async function* readImages(
  model: NodeModel,
  { files, failed, facts }: ImageList,
  { signal, labelled }: ReadSettings,
): AsyncGenerator<NamedImage> {
  const labelOf = labelReader(facts, model.facts.labels);
  const read = async (items: readonly InputImage[]): Promise<readonly NamedImage[] | Failure> => {
    const path = items[0]?.path;
    if (path === undefined || signal.aborted) return [];
    try {
      const label = labelOf(path);
      if (labelled && label === undefined) throw new VitreousError(`${path}: ${NO_LABEL}`);
      const images = await model.readAll(path);
      const group = facts.get(resolve(path))?.group;
      return items.flatMap(({ name, stem, index: item }) => {
        const image = images[item ?? 0];
        if (image === undefined) return [];
        const named = { ...image, name, ...(label === undefined ? {} : { label }) };
        const seed = mix(item ?? 0, Number.parseInt(image.sha256?.slice(0, 8) ?? "0", 16));
        return [{ image: named, stem, seed, ...(group === undefined ? {} : { group }) }];
      });
    } catch (error) {
      if (!(error instanceof VitreousError)) throw error;
      return { image: path, error: error.message };
    }
  };
  for await (const images of pipelined(files, AHEAD, read)) {
    if (signal.aborted) return;
    if ("error" in images) failed.push(images);
    else yield* images;
  }
}

const NO_LABEL =
  'its true class is not known: neither a data set nor the name of its folder says one of the model\'s classes, which "--class true" needs';

/**
 * A file's true class among the model's, where a data set says it, or else the name of its folder. Data of other
 * classes than the model's has none: a model of ImageNet says nothing about blood cells' classes.
 */
export function labelReader(
  facts: ImageList["facts"],
  labels: readonly string[],
): (path: string) => number | undefined {
  const classOf = classReader([...new Set([...facts.values()].flatMap(({ label }) => label ?? []))], labels);
  const ofFolder = classReader([], labels);
  return (path) => {
    const full = resolve(path);
    const label = facts.get(full)?.label;
    return (label === undefined ? undefined : classOf(label)) ?? ofFolder(basename(dirname(full)));
  };
}

/** Images on their way through the model, and what was known of each when they come back. */
export function trackNames(named: AsyncIterable<NamedImage>): {
  readonly images: AsyncIterable<ModelImage>;
  take(image: ModelImage): NamedImage;
} {
  const under = new Map<ModelImage, NamedImage>();
  const images = async function* () {
    for await (const item of named) {
      under.set(item.image, item);
      yield item.image;
    }
  };
  return {
    images: images(),
    take(image) {
      const item = under.get(image);
      if (item === undefined) throw new RangeError("an image that was never read");
      under.delete(image);
      return item;
    },
  };
}

/** The failures, one line each. */
export function reportFailures(failed: readonly Failure[], error: (line: string) => void): void {
  for (const { image, error: reason } of failed)
    error((reason.includes(image) ? reason : `${image}: ${reason}`).replaceAll(/\s*\n\s*/g, " "));
}

/**
 * @file From a data set to a split that does not leak: what belongs together stays together, what cannot be read is set
 * aside, and a data set's own split is kept.
 */
import { readFile } from "node:fs/promises";
import { alikePairs } from "../../../datasets/alike.js";
import type { Dataset, DatasetItem } from "../../../datasets/dataset.js";
import { examineDataset } from "../../../datasets/examine.js";
import type { Fingerprint } from "../../../datasets/fingerprint.js";
import { groupNotes, identicalGroups } from "../../../datasets/groups.js";
import { type Looker, lookAt } from "../../../datasets/look.js";
import { splitItems } from "../../../datasets/split.js";
import { readFailure } from "../../../imaging/node/file-error.js";
import { VitreousError } from "../../../onnx/errors.js";
import { alikeNotes, joinAlike } from "../alike-groups.js";
import type { TrainingItem } from "../batches.js";
import { joinGroups } from "../groups.js";
import {
  PARTS,
  type Part,
  partNamed,
  readSplits,
  type SplitItem,
  type SplitRecord,
  splitCounts,
} from "../splits.js";

/** What becomes of images that look almost alike. */
export type NearDuplicates = "together" | "ignore";

export interface SplitOptions {
  /** Shares of the parts; 0.7, 0.1 and 0.2 by default. */
  readonly fractions?: Readonly<Record<Part, number>>;
  readonly seed: number;
  /** Whether images that look almost alike are looked for and kept together; they are by default. */
  readonly nearDuplicates?: NearDuplicates;
  /** Reads the pictures' files; by default each is read anew. */
  readonly look?: Looker;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

const FRACTIONS: Readonly<Record<Part, number>> = { train: 0.7, validation: 0.1, test: 0.2 };

interface SetAside {
  readonly path: string;
  readonly reason: string;
}

type Labelled = DatasetItem & { readonly label: string };

const images = (n: number): string => `${n} image${n === 1 ? "" : "s"}`;

/** The part that the data set itself puts an item in. @throws VitreousError for a name that no part has */
export function ownPart(item: DatasetItem): Part | undefined {
  if (item.split === undefined) return undefined;
  const part = partNamed(item.split);
  if (part) return part;
  throw new VitreousError(
    `${item.name} is in the split "${item.split}"; the splits are called train, val (or validation) and test.`,
  );
}

/** Deals items into the named parts by seed. */
function deal(
  items: readonly Labelled[],
  parts: readonly Part[],
  fractions: Readonly<Record<Part, number>>,
  seed: number,
): Map<string, Part> {
  const shares = Object.fromEntries(parts.map((part) => [part, fractions[part]]));
  const dealt = splitItems(items, shares, seed);
  return new Map(
    [...dealt].flatMap(([name, part]) => PARTS.filter((p) => p === part).map((p) => [name, p] as const)),
  );
}

interface Decided {
  readonly parts: Map<string, Part>;
  readonly by: SplitRecord["decidedBy"];
  readonly warnings: readonly string[];
}

/** The data set's own parts where it has them; those it lacks are taken from its train part. */
function decide(
  items: readonly Labelled[],
  fractions: Readonly<Record<Part, number>>,
  seed: number,
): Decided {
  const own = new Map(items.map((item) => [item.name, ownPart(item)]));
  const without = items.filter(({ name }) => own.get(name) === undefined);
  if (without.length === items.length) {
    return { parts: deal(items, PARTS, fractions, seed), by: "seed", warnings: [] };
  }
  if (without.length > 0) {
    throw new VitreousError(
      `${without.length} of ${items.length} images have no split in the manifest, ${without[0]?.name} for one: fill the column for all or for none.`,
    );
  }
  const present = new Set(own.values());
  const parts = new Map([...own].flatMap(([name, part]) => (part ? [[name, part] as const] : [])));
  if (!present.has("train"))
    throw new VitreousError("The manifest's split column has no image for training.");
  const lacking = PARTS.filter((part) => !present.has(part));
  if (lacking.length === 0) return { parts, by: "data set", warnings: [] };
  const train = items.filter(({ name }) => parts.get(name) === "train");
  for (const [name, part] of deal(train, ["train", ...lacking], fractions, seed)) parts.set(name, part);
  return {
    parts,
    by: "data set and seed",
    warnings: [`the data set has no ${lacking.join(" and no ")} split: taken from its train split`],
  };
}

/** A group that the data set's own split spans is kept in the part that judges most strictly, and nowhere else. */
function withoutLeaks(items: readonly Labelled[], parts: Map<string, Part>): SetAside[] {
  const strictest = new Map<string, { readonly part: Part; readonly name: string }>();
  const rank = (part: Part): number => PARTS.indexOf(part);
  for (const { name, group } of items) {
    const part = parts.get(name);
    if (group === undefined || part === undefined) continue;
    const before = strictest.get(group);
    if (!before || rank(part) > rank(before.part)) strictest.set(group, { part, name });
  }
  const aside: SetAside[] = [];
  for (const { name, group } of items) {
    const kept = group === undefined ? undefined : strictest.get(group);
    const part = parts.get(name);
    if (!kept || part === kept.part) continue;
    parts.delete(name);
    aside.push({ path: name, reason: `the same as or related to ${kept.name}, which is in ${kept.part}` });
  }
  return aside;
}

/** Why a score of this split may mislead, or why there can be none. */
function checkParts(record: Pick<SplitRecord, "classes" | "items">): string[] {
  const warnings: string[] = [];
  for (const [part, counts] of splitCounts(record)) {
    const missing = record.classes.filter((_, i) => counts[i] === 0);
    if (missing.length === 0) continue;
    if (part === "train") {
      throw new VitreousError(
        `No image of ${missing.map((m) => `"${m}"`).join(" and ")} is left for training; add images or leave the class out.`,
      );
    }
    warnings.push(`no image of ${missing.map((m) => `"${m}"`).join(" and ")} is in ${part}`);
  }
  return warnings;
}

/**
 * Splits a data set into train, validation and test. Groups of the data set, byte-identical files and images that look
 * almost alike stay whole, classes keep their shares, a manifest's split column decides where there is one; files that are no images and images without
 * a label are set aside.
 *
 * @throws VitreousError when fewer than two classes are left, a class has no image for training, or the manifest's
 *   column is incomplete or has other names.
 */
export async function splitDataset(dataset: Dataset, options: SplitOptions): Promise<SplitRecord> {
  const { fractions = FRACTIONS, seed, look = lookAt, nearDuplicates = "together", signal } = options;
  const { onProgress } = options;
  const looks = new Map<string, { readonly sha256: string; readonly fingerprint: Fingerprint | undefined }>();
  const watch = {
    look: async (path: string) => {
      const seen = await look(path, { fingerprint: nearDuplicates === "together" });
      if (!("failure" in seen)) looks.set(path, seen);
      return seen;
    },
    ...(signal ? { signal } : {}),
    ...(onProgress ? { onProgress } : {}),
  };
  // Masks play no part in training; reading them all would take longer than everything else here.
  const bare = dataset.items.map(({ masks: _, ...item }) => item);
  const examined = await examineDataset({ ...dataset, items: bare }, watch);
  const nameOf = new Map(bare.map(({ path, name }) => [path, name]));
  const setAside: SetAside[] = [
    ...dataset.skipped.map(({ path, reason }) => ({ path: within(dataset, path), reason })),
    ...examined.broken.map(({ path, reason }) => {
      const name = nameOf.get(path) ?? path;
      return { path: name, reason: reason.replaceAll(path, name) };
    }),
  ];
  const broken = new Set(examined.broken.map(({ path }) => path));
  const whole = bare.filter(({ path }) => !broken.has(path));
  setAside.push(
    ...whole.filter((i) => i.label === undefined).map((i) => ({ path: i.name, reason: "no label" })),
  );
  const readable = whole.filter((item): item is Labelled => item.label !== undefined);
  const classes = dataset.classes.filter((label) => readable.some((item) => item.label === label));
  if (classes.length < 2) {
    throw new VitreousError(
      `${dataset.name} has readable images of ${classes.length === 0 ? "no class" : `one class alone (${classes[0]})`}; a classifier needs at least two.`,
    );
  }
  const groups = joinGroups(
    readable,
    await identicalGroups(
      readable,
      signal,
      async (path) => looks.get(path)?.sha256 ?? (await look(path)).sha256,
    ),
  );
  const known = inGroups(readable, groups);
  const pairs =
    nearDuplicates === "together"
      ? await alikePairs(
          known.map(({ path }) => looks.get(path)?.fingerprint),
          signal,
        )
      : undefined;
  const alike = joinAlike(known, pairs ?? []);
  const items = inGroups(known, alike.groups);
  const decided = decide(items, fractions, seed);
  const leaks = withoutLeaks(items, decided.parts);
  setAside.push(...leaks);
  const chosen = items.flatMap(({ name, label, group }): SplitItem[] => {
    const split = decided.parts.get(name);
    return split ? [{ path: name, label, ...(group === undefined ? {} : { group }), split }] : [];
  });
  const unreadable = examined.broken.length;
  const warnings = [
    ...decided.warnings,
    ...(leaks.length > 0
      ? [`${images(leaks.length)} set aside, since the data set's own split has their like in another part`]
      : []),
    ...(unreadable > 0 ? [`${images(unreadable)} cannot be read and were set aside`] : []),
    ...examined.notes.filter((note) => !note.endsWith("no readable images")),
    ...groupNotes(items),
    ...alikeNotes(alike),
    ...checkParts({ classes, items: chosen }),
  ];
  return {
    version: 1,
    dataset: { name: dataset.name, layout: dataset.layout },
    decidedBy: decided.by,
    seed,
    fractions: { train: fractions.train, validation: fractions.validation, test: fractions.test },
    classes,
    items: chosen,
    setAside,
    ...(pairs && {
      nearDuplicates: pairs.map(({ a, b, likeness }): [string, string, number] => [
        known[a]?.name ?? "",
        known[b]?.name ?? "",
        Number(likeness.toFixed(3)),
      ]),
    }),
    warnings,
  };
}

const inGroups = (items: readonly Labelled[], groups: ReadonlyMap<string, string>): readonly Labelled[] =>
  items.map(({ group: _, ...item }) => {
    const group = groups.get(item.name);
    return group === undefined ? item : { ...item, group };
  });

/** A path as the record has it: relative to the data set, with "/" on every system. */
function within(dataset: Dataset, path: string): string {
  const full = path.replaceAll("\\", "/");
  const root = `${dataset.root.replaceAll("\\", "/").replace(/\/+$/, "")}/`;
  return full.startsWith(root) ? full.slice(root.length) : full;
}

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
      `${images(lost.length)} of the split ${lost.length === 1 ? "is" : "are"} not in ${dataset.root}, ${lost[0]?.path} for one; is it the data set that was split?`,
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

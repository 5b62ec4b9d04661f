/**
 * @file From a data set to a split that does not leak: what belongs together stays together, what cannot be read is set
 * aside, and a data set's own split is kept.
 */
import { alikePairs } from "../../../datasets/alike.js";
import type { Dataset } from "../../../datasets/dataset.js";
import { examineDataset } from "../../../datasets/examine.js";
import type { Fingerprint } from "../../../datasets/fingerprint.js";
import { groupNotes, identicalGroups } from "../../../datasets/groups.js";
import { type Looker, lookAt } from "../../../datasets/look.js";
import { VitreousError } from "../../../onnx/errors.js";
import { alikeNotes, joinAlike } from "../alike-groups.js";
import { decide, type Labelled, type SetAside, withoutLeaks } from "../decide-parts.js";
import { joinGroups } from "../groups.js";
import { type Part, type SplitItem, type SplitRecord, splitCounts } from "../splits.js";

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

const images = (n: number): string => `${n} image${n === 1 ? "" : "s"}`;

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
 * almost alike stay whole, classes keep their shares, a manifest's split column decides where there is one; files that are
 * no images and images without a label are set aside.
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

/** @file Which part each image is in: the data set's own where it says one, else dealt by seed; and what would leak. */
import type { DatasetItem } from "../../datasets/dataset.js";
import { splitItems } from "../../datasets/split.js";
import { VitreousError } from "../../onnx/errors.js";
import { PARTS, type Part, partNamed, type SplitRecord } from "./splits.js";

export interface SetAside {
  readonly path: string;
  readonly reason: string;
}

export type Labelled = DatasetItem & { readonly label: string };

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

export interface Decided {
  readonly parts: Map<string, Part>;
  readonly by: SplitRecord["decidedBy"];
  readonly warnings: readonly string[];
}

/** The data set's own parts where it has them; those it lacks are taken from its train part. */
export function decide(
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
export function withoutLeaks(items: readonly Labelled[], parts: Map<string, Part>): SetAside[] {
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

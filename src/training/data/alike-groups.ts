/**
 * @file Images that look almost alike as one group, so that a split does not train on one and test on the other. Links
 * are taken as they are strongest, and one that would make a group too large to be dealt is left out: where a whole data
 * set looks alike, chains of links would otherwise leave one group and no split.
 */
import type { AlikePair } from "../../datasets/alike.js";

/** The most of a class's images that links may bring into one group; a pair is always allowed. */
const MOST_OF_A_CLASS = 0.25;

interface Groupable {
  readonly name: string;
  readonly label: string;
  readonly group?: string;
}

export interface AlikeGroups {
  /** Group by name, named by a group that was given where it holds one; without items that stand alone. */
  readonly groups: ReadonlyMap<string, string>;
  /** Groups that links made or enlarged, and the images in them. */
  readonly joined: { readonly groups: number; readonly images: number };
  /** Links left out since a group would have become too large. */
  readonly leftOut: number;
}

/** @param pairs of places in `items` */
export function joinAlike(items: readonly Groupable[], pairs: readonly AlikePair[]): AlikeGroups {
  const parent = Int32Array.from(items, (_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] as number] as number;
      at = parent[at] as number;
    }
    return at;
  };
  const firstOf = new Map<string, number>();
  items.forEach(({ group }, i) => {
    if (group === undefined) return;
    const first = firstOf.get(group);
    if (first === undefined) firstOf.set(group, i);
    else parent[i] = first;
  });
  const totals = countLabels(items);
  const most = (label: string): number => Math.max(2, Math.floor(MOST_OF_A_CLASS * (totals.get(label) ?? 0)));
  const held = new Map<number, Map<string, number>>();
  items.forEach(({ label }, i) => {
    const counts = held.get(root(i)) ?? new Map<string, number>();
    held.set(root(i), counts.set(label, (counts.get(label) ?? 0) + 1));
  });
  const linked = new Set<number>();
  let leftOut = 0;
  for (const { a, b } of [...pairs].sort((x, y) => y.likeness - x.likeness || x.a - y.a || x.b - y.b)) {
    const [into, from] = [Math.min(root(a), root(b)), Math.max(root(a), root(b))];
    if (into === from) continue;
    const sum = new Map(held.get(into));
    for (const [label, n] of held.get(from) ?? []) sum.set(label, (sum.get(label) ?? 0) + n);
    if ([...sum].some(([label, n]) => n > most(label))) {
      leftOut++;
      continue;
    }
    parent[from] = into;
    held.set(into, sum);
    linked.add(a);
  }
  return named(items, root, new Set([...linked].map(root)), leftOut);
}

function named(
  items: readonly Groupable[],
  root: (i: number) => number,
  linked: ReadonlySet<number>,
  leftOut: number,
): AlikeGroups {
  const names = new Map<number, string>();
  items.forEach(({ group }, i) => {
    if (group !== undefined && !names.has(root(i))) names.set(root(i), group);
  });
  items.forEach(({ name }, i) => {
    if (linked.has(root(i)) && !names.has(root(i))) names.set(root(i), name);
  });
  const groups = new Map<string, string>();
  items.forEach(({ name }, i) => {
    const group = names.get(root(i));
    if (group !== undefined) groups.set(name, group);
  });
  const images = items.filter((_, i) => linked.has(root(i))).length;
  return { groups, joined: { groups: linked.size, images }, leftOut };
}

function countLabels(items: readonly Groupable[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { label } of items) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

/** What a person is told of it. */
export function alikeNotes({ joined, leftOut }: AlikeGroups): readonly string[] {
  return [
    ...(joined.groups > 0
      ? [
          `${joined.images} images that look almost alike (${joined.groups} group${joined.groups > 1 ? "s" : ""}) are kept together; splits.json names the pairs`,
        ]
      : []),
    ...(leftOut > 0
      ? [
          `${leftOut} pair${leftOut > 1 ? "s" : ""} of images that look almost alike ${leftOut > 1 ? "are" : "is"} not kept together, since a group would hold more than a quarter of a class: look at them in splits.json, and give groups of your own`,
        ]
      : []),
  ];
}

/**
 * @file Splits that do not leak: groups stay whole, classes keep their shares, and the same seed gives the same split
 * in whatever order the items come.
 */
import { VitreousError } from "../onnx/errors.js";
import { shuffle, uniform } from "../random.js";
import { naturalCompare } from "./order.js";

export interface Splittable {
  readonly name: string;
  readonly label?: string;
  readonly group?: string;
}

/** Items that go together, with how many of each class they bring. */
interface Cluster<T> {
  readonly items: readonly T[];
  readonly labels: ReadonlyMap<string, number>;
}

function count(items: readonly Splittable[]): Map<string, number> {
  const labels = new Map<string, number>();
  for (const { label = "" } of items) labels.set(label, (labels.get(label) ?? 0) + 1);
  return labels;
}

/** In natural order of their first names: independent of the order given. */
function clusters<T extends Splittable>(items: readonly T[]): Cluster<T>[] {
  const sorted = [...items].sort((a, b) => naturalCompare(a.name, b.name));
  const groups = new Map<string, T[]>();
  for (const item of sorted) {
    const key = item.group === undefined ? `item ${item.name}` : `group ${item.group}`;
    const members = groups.get(key);
    if (members) members.push(item);
    else groups.set(key, [item]);
  }
  return [...groups.values()].map((members) => ({ items: members, labels: count(members) }));
}

/** Large clusters first, since they are the hardest to place; equals in a seeded random order. */
function ordered<T>(all: readonly Cluster<T>[], seed: number): Cluster<T>[] {
  const order = Int32Array.from(all, (_, i) => i);
  shuffle(order, 0, order.length, uniform(seed));
  return [...order].map((i) => all[i] as Cluster<T>).sort((a, b) => b.items.length - a.items.length);
}

/**
 * Deals items into parts, e.g. { train: 0.7, val: 0.1, test: 0.2 }: each cluster goes to the part that lacks most of
 * what it brings (iterative stratification: Sechidis, Tsoumakas, Vlahavas, 2011).
 *
 * @param fractions Shares by name; they are divided by their sum.
 * @returns The part of each item, by its name.
 * @throws VitreousError when two items share a name or a fraction is not positive.
 */
export function splitItems<T extends Splittable>(
  items: readonly T[],
  fractions: Readonly<Record<string, number>>,
  seed: number,
): ReadonlyMap<string, string> {
  const parts = Object.entries(fractions);
  const sum = parts.reduce((a, [, f]) => a + f, 0);
  if (parts.length === 0 || parts.some(([, f]) => !(f > 0) || !Number.isFinite(f))) {
    throw new VitreousError("A split needs at least one part, and each part's share must be greater than 0.");
  }
  if (new Set(items.map((item) => item.name)).size !== items.length) {
    throw new VitreousError("A data set that is split must not hold two items of one name.");
  }
  const totals = count(items);
  const wanted = parts.map(
    ([, share]) => new Map([...totals].map(([label, n]) => [label, (n * share) / sum] as const)),
  );
  const room = parts.map(([, share]) => (items.length * share) / sum);
  const result = new Map<string, string>();
  for (const cluster of ordered(clusters(items), seed)) {
    const lack = wanted.map((labels) =>
      [...cluster.labels].reduce((a, [label, n]) => a + n * (labels.get(label) ?? 0), 0),
    );
    const best = lack.reduce((b, value, i) => {
      const [top, topRoom] = [lack[b] as number, room[b] as number];
      return value > top || (value === top && (room[i] as number) > topRoom) ? i : b;
    }, 0);
    for (const [label, n] of cluster.labels) wanted[best]?.set(label, (wanted[best]?.get(label) ?? 0) - n);
    room[best] = (room[best] as number) - cluster.items.length;
    for (const item of cluster.items) result.set(item.name, parts[best]?.[0] ?? "");
  }
  return result;
}

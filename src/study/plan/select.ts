/**
 * @file The order in which images are taken. It is an order and no draw: whoever takes more begins with the same ones,
 * so a study that grows keeps what was computed. Each image's place follows from its own name and the seed, so an image
 * that is added to a data set or leaves it moves no other.
 */
import { naturalCompare } from "../../datasets/order.js";
import { mix } from "../../random.js";
import type { StudyDataset } from "../types.js";

export interface Selectable {
  readonly name: string;
  readonly label?: string;
}

/** A number made of a seed and a name, alike in every JavaScript engine. */
export function nameHash(seed: number, name: string): number {
  let hash = mix(seed, name.length);
  for (let i = 0; i < name.length; i++) hash = mix(name.charCodeAt(i), hash);
  return hash;
}

function shuffled<T extends Selectable>(items: readonly T[], seed: number): readonly T[] {
  return items
    .map((item) => ({ item, hash: nameHash(seed, item.name) }))
    .sort((a, b) => a.hash - b.hash || naturalCompare(a.item.name, b.item.name))
    .map(({ item }) => item);
}

/**
 * Queues to take images from in turn, one of each, until there are enough: a queue for each class in natural order
 * ("stratified"; images without a label are a class of their own, the last), or a single one.
 */
export function queuesOf<T extends Selectable>(
  items: readonly T[],
  select: StudyDataset["select"],
  seed: number,
): readonly (readonly T[])[] {
  if (items.length === 0) return [];
  if (select === "order") return [[...items].sort((a, b) => naturalCompare(a.name, b.name))];
  if (select === "random") return [shuffled(items, seed)];
  const labels = [...new Set(items.flatMap(({ label }) => label ?? []))].sort(naturalCompare);
  return [...labels, undefined]
    .map((label) => items.filter((item) => item.label === label))
    .filter((queue) => queue.length > 0)
    .map((queue) => shuffled(queue, seed));
}

/**
 * One of each source in turn; a source that has ended is passed over. Sources are closed when the taker stops.
 */
export async function* inTurn<T>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  let open = [...sources];
  try {
    while (open.length > 0) {
      const left: AsyncGenerator<T>[] = [];
      for (const source of open) {
        const next = await source.next();
        if (next.done) continue;
        left.push(source);
        yield next.value;
      }
      open = left;
    }
  } finally {
    await Promise.all(sources.map((source) => source.return(undefined)));
  }
}

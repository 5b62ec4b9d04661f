/**
 * @file Where a token comes from, as a small integer. A token is known by the set of places (patches or pixels) it
 * was made from; sets are interned, so tracing moves plain integers about and compares them with ===.
 */

/** The id of the empty set: a constant, a class token, padding. */
export const NOWHERE = 0;

/** Interned sets of places. Ids are only meaningful to the table that made them. */
export class Origins {
  private readonly sets: (readonly number[])[] = [[]];
  private readonly ids = new Map<string, number>([["", NOWHERE]]);
  private readonly pairs = new Map<number, number>();

  /** The id of {place}. */
  single(place: number): number {
    return this.intern([place]);
  }

  /** Members in ascending order. */
  members(id: number): readonly number[] {
    return this.sets[id] ?? [];
  }

  union(a: number, b: number): number {
    if (a === b || b === NOWHERE) return a;
    if (a === NOWHERE) return b;
    const key = Math.min(a, b) * 2 ** 26 + Math.max(a, b);
    const known = this.pairs.get(key);
    if (known !== undefined) return known;
    const id = this.unionOf([a, b]);
    this.pairs.set(key, id);
    return id;
  }

  /** The union of any number of sets; cheap when they are all the same. */
  unionOf(ids: Iterable<number>): number {
    const distinct = new Set(ids);
    distinct.delete(NOWHERE);
    if (distinct.size === 0) return NOWHERE;
    if (distinct.size === 1) return distinct.values().next().value ?? NOWHERE;
    const members = new Set<number>();
    for (const id of distinct) for (const place of this.members(id)) members.add(place);
    return this.intern([...members].sort((x, y) => x - y));
  }

  private intern(sorted: readonly number[]): number {
    const key = sorted.join();
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    const id = this.sets.push(sorted) - 1;
    this.ids.set(key, id);
    return id;
  }
}

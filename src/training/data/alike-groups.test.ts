import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alikeNotes, joinAlike } from "./alike-groups.js";

interface Item {
  readonly name: string;
  readonly label: string;
  readonly group?: string;
}

const items = (count: number, groups: Readonly<Record<number, string>> = {}): readonly Item[] =>
  Array.from({ length: count }, (_, i) => {
    const group = groups[i];
    return { name: `i${i}`, label: i % 2 === 0 ? "a" : "b", ...(group !== undefined && { group }) };
  });

const pair = (a: number, b: number, likeness = 0.95) => ({ a, b, likeness });

describe("images that look almost alike", () => {
  it("are one group, with the groups that they are of already", () => {
    const { groups, joined, leftOut } = joinAlike(
      items(40, { 2: "patient-1", 3: "patient-1", 9: "patient-2" }),
      [pair(0, 1), pair(3, 4), pair(4, 9)],
    );
    expect([...groups]).toEqual([
      ["i0", "i0"],
      ["i1", "i0"],
      ["i2", "patient-1"],
      ["i3", "patient-1"],
      ["i4", "patient-1"],
      ["i9", "patient-1"],
    ]);
    expect(joined).toEqual({ groups: 2, images: 6 });
    expect(leftOut).toBe(0);
  });

  it("change no group where they are together anyway", () => {
    const { groups, joined } = joinAlike(items(12, { 1: "g", 2: "g", 5: "alone" }), [pair(1, 2)]);
    expect([...groups]).toEqual([
      ["i1", "g"],
      ["i2", "g"],
      ["i5", "alone"],
    ]);
    expect(alikeNotes({ groups, joined, leftOut: 0 })).toEqual([]);
  });

  it("never part a group, and never make one of more than a quarter of a class, whatever the chains", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8, max: 60 }),
        fc.array(fc.tuple(fc.nat(59), fc.nat(59), fc.double({ min: 0.9, max: 1, noNaN: true })), {
          maxLength: 120,
        }),
        fc.dictionary(fc.nat(59).map(String), fc.constantFrom("p", "q", "r"), { maxKeys: 6 }),
        (count, links, given) => {
          const list = items(count, given);
          const pairs = links.flatMap(([a, b, likeness]) => (a < b && b < count ? [{ a, b, likeness }] : []));
          const { groups, leftOut } = joinAlike(list, pairs);
          for (const one of list)
            for (const other of list)
              if (one.group !== undefined && one.group === other.group)
                expect(groups.get(one.name)).toBe(groups.get(other.name));
          const held = new Map<string, number>();
          for (const { name, label } of list) {
            const group = groups.get(name);
            if (group !== undefined) held.set(`${group} ${label}`, (held.get(`${group} ${label}`) ?? 0) + 1);
          }
          for (const [key, n] of held) {
            const [group = "", label] = key.split(" ");
            const most = Math.max(2, Math.floor(list.filter((item) => item.label === label).length / 4));
            const before = list.filter((item) => item.group === group && item.label === label).length;
            expect(n).toBeLessThanOrEqual(Math.max(most, before));
          }
          const apart = pairs.filter(({ a, b }) => {
            const group = groups.get(`i${a}`);
            return group === undefined || group !== groups.get(`i${b}`);
          });
          expect(leftOut).toBeGreaterThanOrEqual(apart.length);
          expect(joinAlike(list, [...pairs].reverse())).toEqual(joinAlike(list, pairs));
        },
      ),
    );
  });

  it("are told of: how many are kept together, and how many cannot be", () => {
    const chain = Array.from({ length: 39 }, (_, i) => pair(i, i + 1, 0.91 + i / 1000));
    const result = joinAlike(items(40), chain);
    expect(result.leftOut).toBeGreaterThan(0);
    expect(new Set(result.groups.values()).size).toBeGreaterThanOrEqual(4);
    const [kept, left] = alikeNotes(result);
    expect(kept).toMatch(/^40 images that look almost alike \(\d groups\) are kept together/);
    expect(left).toMatch(/^\d+ pairs? of images that look almost alike (are|is) not kept together/);
  });
});

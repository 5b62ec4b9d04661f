import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { naturalCompare } from "./order.js";
import { splitItems } from "./split.js";

const item = fc.record({
  label: fc.constantFrom("a", "b", "c"),
  group: fc.option(fc.integer({ min: 0, max: 12 }).map(String), { nil: undefined }),
});
const items = fc.array(item, { maxLength: 80 }).map((list) =>
  list.map(({ label, group }, i) => ({
    name: `${i}.png`,
    label,
    ...(group === undefined ? {} : { group }),
  })),
);
const shares = { train: 0.7, val: 0.1, test: 0.2 };

describe("splitting", () => {
  it("never parts a group and forgets no item", () => {
    fc.assert(
      fc.property(items, fc.nat(), (list, seed) => {
        const parts = splitItems(list, shares, seed);
        expect(parts.size).toBe(list.length);
        const seen = new Map<string, string | undefined>();
        for (const { name, group } of list) {
          if (group === undefined) continue;
          const part = parts.get(name);
          if (seen.has(group)) expect(part).toBe(seen.get(group));
          seen.set(group, part);
        }
      }),
    );
  });

  it("depends on the seed and not on the order of the items", () => {
    fc.assert(
      fc.property(items, fc.nat(), (list, seed) => {
        const forth = splitItems(list, shares, seed);
        const back = splitItems([...list].reverse(), shares, seed);
        for (const { name } of list) expect(back.get(name)).toBe(forth.get(name));
      }),
    );
    const many = Array.from({ length: 50 }, (_, i) => ({ name: `${i}`, label: "a" }));
    expect([...splitItems(many, shares, 1)]).not.toEqual([...splitItems(many, shares, 2)]);
  });

  it("keeps every class's share to an item where there are no groups", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 200 }),
        fc.nat(),
        (labels, seed) => {
          const list = labels.map((label, i) => ({ name: `${i}`, label }));
          const parts = splitItems(list, shares, seed);
          for (const label of new Set(labels)) {
            const all = list.filter((x) => x.label === label);
            for (const [part, share] of Object.entries(shares)) {
              const n = all.filter((x) => parts.get(x.name) === part).length;
              expect(Math.abs(n - all.length * share)).toBeLessThanOrEqual(1.5);
            }
          }
        },
      ),
    );
  });

  it("refuses shares that are none and names that are double", () => {
    expect(() => splitItems([], {}, 1)).toThrow(/at least one part/);
    expect(() => splitItems([], { a: 1, b: 0 }, 1)).toThrow(/greater than 0/);
    expect(() => splitItems([{ name: "x" }, { name: "x" }], { a: 1 }, 1)).toThrow(/two items of one name/);
  });
});

describe("natural order", () => {
  it("counts digits by value", () => {
    const sorted = ["b (10)", "b (2)", "B (1)", "b (02)", "a", "b"].sort(naturalCompare);
    expect(sorted).toEqual(["B (1)", "a", "b", "b (02)", "b (2)", "b (10)"]);
  });

  it("is a total order", () => {
    const name = fc.stringMatching(/^[ab0-3.]{0,6}$/);
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        expect(Math.sign(naturalCompare(a, b))).toBe(-Math.sign(naturalCompare(b, a)) + 0);
        expect(naturalCompare(a, b) === 0).toBe(a === b);
        if (naturalCompare(a, b) <= 0 && naturalCompare(b, c) <= 0)
          expect(naturalCompare(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

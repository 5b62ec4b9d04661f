import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inBatches, pipelined } from "./batches.js";

async function collected<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("batches", () => {
  it("hold all items in order, all full but the last", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat()), fc.integer({ min: 1, max: 9 }), async (items, size) => {
        const batches = await collected(inBatches(items, size));
        expect(batches.flat()).toEqual(items);
        for (const batch of batches.slice(0, -1)) expect(batch).toHaveLength(size);
        for (const batch of batches) expect(batch.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe("work that keeps some under way", () => {
  it("gives results in the order of the items, however long each takes", async () => {
    const times = [9, 1, 5, 0, 3];
    const results = await collected(
      pipelined(times, 3, async (ms) => {
        await later(ms);
        return ms;
      }),
    );
    expect(results).toEqual(times);
  });

  it("never has more under way than it may, nor fewer while there is work", async () => {
    let running = 0;
    let most = 0;
    const start = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await later(2);
      running--;
    };
    await collected(pipelined([1, 2, 3, 4, 5, 6], 2, start));
    expect(most).toBe(2);
  });

  it("takes items only as they are needed", async () => {
    let taken = 0;
    function* items() {
      for (;;) yield taken++;
    }
    for await (const result of pipelined(items(), 3, async (i) => i)) if (result === 4) break;
    expect(taken).toBeLessThanOrEqual(8);
  });

  it("reports the first failure, after what came before it, and awaits what was started", async () => {
    const ended: number[] = [];
    const seen: number[] = [];
    const start = async (i: number): Promise<number> => {
      await later(i === 1 ? 0 : 5);
      ended.push(i);
      if (i >= 1) throw new Error(`item ${i}`);
      return i;
    };
    const run = async (): Promise<void> => {
      for await (const i of pipelined([0, 1, 2], 3, start)) seen.push(i);
    };
    await expect(run()).rejects.toThrow("item 1");
    expect(seen).toEqual([0]);
    expect(ended.toSorted()).toEqual([0, 1, 2]);
  });
});

import { describe, expect, it } from "vitest";
import { type Draw, drawsFor, symmetricBeta } from "./draws.js";
import { epochOrder } from "./sampling.js";

const sample = (next: Draw, count: number) => Array.from({ length: count }, next);

describe("draws", () => {
  it("belong to their purpose, seed, epoch and place", () => {
    const streams = [
      drawsFor("image", 1, 0, 0),
      drawsFor("batch", 1, 0, 0),
      drawsFor("image", 2, 0, 0),
      drawsFor("image", 1, 1, 0),
      drawsFor("image", 1, 0, 1),
      drawsFor("image", 0, 1, 1),
    ].map((next) => sample(next, 4).join());
    expect(new Set(streams).size).toBe(streams.length);
    expect(sample(drawsFor("image", 1, 0, 0), 4).join()).toBe(streams[0]);
  });

  it("of neighbouring places are independent", () => {
    const firsts = Array.from({ length: 4000 }, (_, place) => drawsFor("image", 5, 2, place)());
    const mean = firsts.reduce((a, b) => a + b, 0) / firsts.length;
    const lag =
      firsts.slice(1).reduce((a, b, i) => a + (b - 0.5) * ((firsts[i] ?? 0) - 0.5), 0) / firsts.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
    expect(Math.abs(lag * 12)).toBeLessThan(0.06);
  });

  it.each([0.1, 0.4, 1, 3])("from Beta(%f, itself) have its mean and variance", (alpha) => {
    const next = drawsFor("batch", 1, 1);
    const values = Array.from({ length: 20_000 }, () => symmetricBeta(next, alpha));
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    expect(mean).toBeCloseTo(0.5, 1.7);
    expect(variance).toBeCloseTo(1 / (4 * (2 * alpha + 1)), 2);
    expect(values.every((v) => v >= 0 && v <= 1)).toBe(true);
  });
});

describe("an epoch's order", () => {
  const labels = Array.from({ length: 1000 }, (_, i) => (i < 900 ? 0 : i < 980 ? 1 : 2));

  it("shuffled: has every image once, another order each epoch, the same for the same seed", () => {
    const order = epochOrder(labels, "shuffle", 3, 1);
    expect([...order].sort((a, b) => a - b)).toEqual(labels.map((_, i) => i));
    expect(epochOrder(labels, "shuffle", 3, 1)).toEqual(order);
    expect(epochOrder(labels, "shuffle", 3, 2)).not.toEqual(order);
    expect(epochOrder(labels, "shuffle", 4, 1)).not.toEqual(order);
  });

  it("balanced: has every class equally often, and every image of a class", () => {
    const counts = [0, 0, 0];
    const images = new Map<number, number>();
    for (let epoch = 0; epoch < 30; epoch++) {
      for (const i of epochOrder(labels, "balanced", 3, epoch)) {
        const label = labels[i] ?? 0;
        counts[label] = (counts[label] ?? 0) + 1;
        images.set(i, (images.get(i) ?? 0) + 1);
      }
    }
    for (const n of counts) expect(Math.abs(n / 30_000 - 1 / 3)).toBeLessThan(0.01);
    const rare = Array.from({ length: 20 }, (_, i) => (images.get(980 + i) ?? 0) / 500);
    for (const share of rare) expect(Math.abs(share - 1)).toBeLessThan(0.25);
    expect(epochOrder(labels, "balanced", 3, 7)).toEqual(epochOrder(labels, "balanced", 3, 7));
  });
});

/**
 * @file Counts what workers tell. Each piece is counted once, whoever tells of it first, since several workers may find
 * what one of them has made.
 */
import type { StudyProgress } from "./types.js";

export interface Tally {
  /** A model is known: of `images` images, `cells` cells each are asked for. */
  expect(pair: number, cells: number): void;
  scored(unit: string, cells: number, found: boolean): void;
  lost(work: string, cells: number): void;
  images(work: string, count: number): void;
  forwards(count: number): void;
  progress(current: StudyProgress["current"]): StudyProgress;
}

/** @param now milliseconds */
export function tally(now: () => number = () => performance.now()): Tally {
  const started = now();
  const expected = new Map<number, number>();
  const units = new Set<string>();
  const works = new Set<string>();
  const lostOf = new Map<string, number>();
  const counts = { done: 0, reused: 0, lost: 0, images: 0, forwards: 0 };
  return {
    expect(pair, cells) {
      expected.set(pair, cells);
    },
    scored(unit, cells, found) {
      if (units.has(unit)) return;
      units.add(unit);
      counts.done += cells;
      if (found) counts.reused += cells;
    },
    lost(work, cells) {
      counts.lost += cells - (lostOf.get(work) ?? 0);
      lostOf.set(work, cells);
    },
    images(work, count) {
      if (works.has(work)) return;
      works.add(work);
      counts.images += count;
    },
    forwards(count) {
      counts.forwards += count;
    },
    progress(current) {
      const seconds = (now() - started) / 1000;
      const total = [...expected.values()].reduce((a, b) => a + b, 0) - counts.lost;
      const { done, reused, images, forwards } = counts;
      const rate = seconds > 0 ? (done - reused) / seconds : 0;
      return {
        cells: { done, total, reused },
        forwards,
        imagesPerSecond: images > 0 ? images / seconds : null,
        secondsLeft: rate > 0 ? (total - done) / rate : null,
        seconds,
        current,
      };
    },
  };
}

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { analyse } from "./analyse.js";
import { type SyntheticRow, syntheticStudy } from "./testing/synthetic.js";
import type { CellGroup, Comparison, RowKey } from "./types.js";

type Key = readonly [string, string];

/** Made by test/oracle/study_analysis.py with pandas, SciPy, statsmodels and scikit-posthocs. */
interface Goldens {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly expected: {
    readonly cells: readonly (RowKey & {
      readonly dataset: string;
      readonly metric: string;
      readonly mean: number;
      readonly n: number;
      readonly groups: number;
      readonly deviation: number;
      readonly quantiles: readonly number[];
      readonly relative: number;
      readonly right: number | null;
      readonly wrong: number | null;
      readonly curve: Readonly<Record<"mean" | "lower" | "upper" | "q25" | "q75", readonly number[]>>;
    })[];
    readonly comparisons: readonly {
      readonly kind: Comparison["kind"];
      readonly dataset: string;
      readonly metric: string;
      readonly a: Key;
      readonly b: Key;
      readonly n: number;
      readonly groups: number;
      readonly difference: number;
      readonly statistic: number;
      readonly p: number;
      readonly adjusted: number;
      readonly rankBiserial: number;
      readonly standardised: number;
      readonly wins: number;
      readonly detectable: number;
    }[];
    readonly rankings: readonly {
      readonly dataset: string | null;
      readonly metric: string;
      readonly blocks: number;
      readonly ranks: readonly number[];
      readonly statistic: number;
      readonly p: number;
      readonly criticalDifference: number;
      readonly nemenyi: readonly (readonly number[])[];
    }[];
    readonly agreements: readonly {
      readonly kind: string;
      readonly within: string;
      readonly a: string;
      readonly b: string;
      readonly kendall: readonly [number, number];
      readonly spearman: number;
    }[];
    readonly accuracy: readonly {
      readonly dataset: string;
      readonly model: string;
      readonly accuracy: number;
      readonly interval: readonly [number, number];
      readonly confusion: readonly (readonly number[])[];
    }[];
    readonly interval: readonly [number, number];
  };
}

const file = new URL("../../../test/fixtures/study/analysis.json", import.meta.url);
const goldens = JSON.parse(readFileSync(file, "utf8")) as Goldens;
const rows = goldens.rows.map(
  (row) => Object.fromEntries(goldens.columns.map((name, i) => [name, row[i]])) as unknown as SyntheticRow,
);
const { expected } = goldens;
const analysis = analyse(syntheticStudy(rows, { statistics: { resamples: 20_000 } }));

/** The order in which the goldens have the rows' ranks. */
const ROWS: readonly Key[] = ["vit", "swin", "dino"].flatMap((model) =>
  ["grad-cam", "rollout"].map((method) => [model, method] as const),
);

const close = (found: number | null | undefined, wanted: number | null): void => {
  if (wanted === null) expect(found).toBeNull();
  else expect(Math.abs((found ?? Number.NaN) - wanted)).toBeLessThan(1e-9 * Math.max(1, Math.abs(wanted)));
};
const closeAll = (found: readonly number[] | undefined, wanted: readonly number[]): void => {
  expect(found).toHaveLength(wanted.length);
  wanted.forEach((w, i) => {
    close(found?.[i], w);
  });
};

function cellOf(key: RowKey & { readonly dataset: string; readonly metric: string }): CellGroup | undefined {
  return analysis.cells.find(
    (c) =>
      c.dataset === key.dataset &&
      c.model === key.model &&
      c.method === key.method &&
      c.metric === key.metric,
  );
}

describe("an analysis against pandas, SciPy and statsmodels", () => {
  it("has the means, spreads and curves of every cell group, controls too", () => {
    expect(expected.cells).toHaveLength(36);
    for (const wanted of expected.cells) {
      const found = cellOf(wanted);
      close(found?.score.mean, wanted.mean);
      expect([found?.score.n, found?.score.groups]).toEqual([wanted.n, wanted.groups]);
      close(found?.spread?.deviation, wanted.deviation);
      closeAll(found?.spread?.quantiles, wanted.quantiles);
      close(found?.relative?.mean, wanted.relative);
      close(found?.right?.mean ?? null, wanted.right);
      close(found?.wrong?.mean ?? null, wanted.wrong);
      closeAll(found?.curve?.mean, wanted.curve.mean);
      closeAll(found?.curve?.interval?.lower, wanted.curve.lower);
      closeAll(found?.curve?.interval?.upper, wanted.curve.upper);
      closeAll(found?.curve?.quartiles.lower, wanted.curve.q25);
      closeAll(found?.curve?.quartiles.upper, wanted.curve.q75);
    }
  });

  it("has the bootstrap's interval to Monte-Carlo error", () => {
    const found = cellOf({ dataset: "scans", model: "vit", method: "grad-cam", metric: "insertion" });
    expect(Math.abs((found?.score.interval?.[0] ?? 0) - expected.interval[0])).toBeLessThan(2e-3);
    expect(Math.abs((found?.score.interval?.[1] ?? 0) - expected.interval[1])).toBeLessThan(2e-3);
  });

  it("has every paired test by group, corrected within its kind and column", () => {
    expect(expected.comparisons).toHaveLength(96);
    for (const wanted of expected.comparisons) {
      const found = analysis.comparisons.find(
        (c) =>
          c.kind === wanted.kind &&
          c.dataset === wanted.dataset &&
          c.metric === wanted.metric &&
          String([c.a.model, c.a.method]) === String(wanted.a) &&
          String([c.b.model, c.b.method]) === String(wanted.b),
      );
      expect([found?.n, found?.groups]).toEqual([wanted.n, wanted.groups]);
      close(found?.difference.mean, wanted.difference);
      close(found?.test?.statistic, wanted.statistic);
      close(found?.test?.p, wanted.p);
      close(found?.test?.adjusted, wanted.adjusted);
      expect(found?.test?.significant).toBe(wanted.adjusted < 0.05);
      close(found?.effect?.rankBiserial, wanted.rankBiserial);
      close(found?.effect?.standardised, wanted.standardised);
      close(found?.effect?.wins, wanted.wins);
      expect((found?.detectable ?? 0) / wanted.detectable).toBeCloseTo(1, 5);
    }
  });

  it("has Friedman's test and Nemenyi's cliques, of each data set and of both together", () => {
    for (const wanted of expected.rankings) {
      const found = analysis.rankings.find((r) => r.dataset === wanted.dataset && r.metric === wanted.metric);
      expect(found?.blocks).toBe(wanted.blocks);
      closeAll(
        ROWS.map(([model, method]) => {
          const entry = found?.entries.find((e) => e.model === model && e.method === method);
          return entry?.rank ?? Number.NaN;
        }),
        wanted.ranks,
      );
      close(found?.friedman?.statistic, wanted.statistic);
      close(found?.friedman?.p, wanted.p);
      expect((found?.criticalDifference ?? 0) / wanted.criticalDifference).toBeCloseTo(1, 5);
      const together = (a: number, b: number): boolean =>
        found?.cliques.some(([first, last]) => first <= Math.min(a, b) && Math.max(a, b) <= last) ?? false;
      const place = ([model, method]: Key): number =>
        found?.entries.findIndex((e) => e.model === model && e.method === method) ?? -1;
      ROWS.forEach((a, i) => {
        ROWS.slice(i + 1).forEach((b, j) => {
          const p = wanted.nemenyi[i]?.[i + 1 + j] ?? Number.NaN;
          expect(together(place(a), place(b))).toBe(p > 0.05);
        });
      });
    }
  });

  it("has the agreement of metrics and of data sets", () => {
    for (const wanted of expected.agreements) {
      const { kind, within, a, b } = wanted;
      const found = analysis.agreements.find(
        (g) => g.kind === kind && g.within === within && g.a === a && g.b === b,
      );
      close(found?.kendall?.value, wanted.kendall[0]);
      close(found?.kendall?.p, wanted.kendall[1]);
      close(found?.spearman?.value, wanted.spearman);
    }
  });

  it("has each model's accuracy with Wilson's interval, and its confusion", () => {
    for (const wanted of expected.accuracy) {
      const found = analysis.accuracy.find((a) => a.dataset === wanted.dataset && a.model === wanted.model);
      close(found?.accuracy, wanted.accuracy);
      closeAll(found?.interval ?? undefined, wanted.interval);
      const confusion = analysis.confusion.find(
        (c) => c.dataset === wanted.dataset && c.model === wanted.model,
      );
      expect(confusion?.counts).toEqual(wanted.confusion);
    }
  });
});

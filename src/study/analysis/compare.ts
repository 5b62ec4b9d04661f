/**
 * @file Which rows of a column are compared, and Holm's correction of each kind of question by itself: whoever asks
 * only whether one method beats another on each model need not pay for comparing all models with each other.
 */
import { holm } from "../../stats/holm.js";
import { isUndefined, type Outcome } from "../../stats/outcome.js";
import { minimumDetectableDifference } from "../../stats/power.js";
import type { Collected } from "./collect.js";
import type { EstimateSettings } from "./estimate.js";
import { comparePair, type Pair } from "./pair.js";
import type { Comparison, MetricFacts } from "./types.js";

/** All scores on one data set by one metric. */
export interface Column {
  readonly dataset: string;
  readonly metric: MetricFacts;
  /** Without controls, and controls. */
  readonly rows: readonly Collected[];
  readonly controls: readonly Collected[];
  readonly groupOf: readonly string[];
}

type Two = readonly [Collected, Collected];

/** Every comparison of a column: methods, models, rows, controls. */
export function compareColumn(column: Column, settings: EstimateSettings): readonly Comparison[] {
  const known = new Map<string, Pair>();
  const pairOf = ([a, b]: Two): Pair => {
    const key = JSON.stringify([a.model, a.method, b.model, b.method]);
    const pair = known.get(key) ?? comparePair(a, b, column.groupOf, column.metric.direction, settings);
    known.set(key, pair);
    return pair;
  };
  const all = twos(column.rows);
  const kinds: readonly (readonly [Comparison["kind"], readonly Two[]])[] = [
    ["methods", all.filter(([a, b]) => a.model === b.model)],
    ["models", all.filter(([a, b]) => a.method === b.method)],
    ["rows", all],
    ["controls", column.rows.flatMap((row) => controlsOf(row, column.controls))],
  ];
  return kinds.flatMap(([kind, questions]) =>
    family(kind, questions, questions.map(pairOf), column, settings),
  );
}

function family(
  kind: Comparison["kind"],
  questions: readonly Two[],
  pairs: readonly Pair[],
  { dataset, metric }: Column,
  settings: EstimateSettings,
): readonly Comparison[] {
  const adjusted = holm(pairs.map(({ test }) => (isUndefined(test) ? test : test.p)));
  const size = adjusted.filter((p) => !isUndefined(p)).length;
  const detectable = detectableOf(size, settings);
  return questions.flatMap(([a, b], i) => {
    const pair = pairs[i];
    const corrected = adjusted[i];
    if (pair === undefined || corrected === undefined) return [];
    const { test, ...found } = pair;
    const tested =
      isUndefined(test) || isUndefined(corrected)
        ? { test: null, reason: isUndefined(test) ? test.reason : "not tested" }
        : {
            test: { ...test, adjusted: corrected, family: size, significant: corrected < settings.alpha },
          };
    return [
      {
        kind,
        dataset,
        metric: metric.id,
        a: { model: a.model, method: a.method },
        b: { model: b.model, method: b.method },
        ...found,
        ...tested,
        detectable: detectable(pair),
      },
    ];
  });
}

/**
 * The smallest detectable difference of each pair, which is in proportion to its deviation: what costs time is found
 * once for each number of groups.
 */
function detectableOf(size: number, { alpha, power }: EstimateSettings): (pair: Pair) => number | null {
  const units = new Map<number, Outcome<number>>();
  return ({ groups, effect }) => {
    const deviation = effect?.deviation ?? null;
    if (deviation === null || deviation === 0) return null;
    const unit =
      units.get(groups) ??
      minimumDetectableDifference(groups, 1, { alpha: alpha / Math.max(1, size), power });
    units.set(groups, unit);
    return isUndefined(unit) ? null : unit * deviation;
  };
}

const INVERTED = "inverted ";

/** The row against each control on its model; against an inverted map only where it is its own. */
const controlsOf = (row: Collected, controls: readonly Collected[]): readonly Two[] =>
  controls
    .filter(
      ({ model, method }) =>
        model === row.model && (!method.startsWith(INVERTED) || method === INVERTED + row.method),
    )
    .map((control) => [row, control] as const);

const twos = (rows: readonly Collected[]): readonly Two[] =>
  rows.flatMap((a, i) => rows.slice(i + 1).map((b) => [a, b] as const));

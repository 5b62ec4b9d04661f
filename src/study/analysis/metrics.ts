/**
 * @file The metrics of an analysis: those that were measured, and insertion − deletion of the same map, which is what
 * algorithms that look good by one and bad by the other come down to.
 */
import { parseSpec } from "../../spec.js";
import type { StudyMetric } from "../types.js";
import type { Collected } from "./collect.js";
import type { MetricFacts } from "./types.js";

/** As `evaluate` names it. */
export const CONTRAST = "insertion - deletion";

const REASON = "insertion or deletion is undefined";

/** The declared metrics, and insertion − deletion where exactly one of each is declared (else which pair is not said). */
export function metricFacts(metrics: readonly StudyMetric[]): readonly MetricFacts[] {
  const measured = metrics.map((metric) => ({
    id: metric.id,
    title: metricTitle(metric, metrics),
    direction: metric.direction,
    derived: false,
  }));
  return pairOf(metrics) === undefined
    ? measured
    : [...measured, { id: CONTRAST, title: "Insertion − Deletion", direction: "higher", derived: true }];
}

/** A name given by hand stays; else parameters are left out where they tell no two metrics apart. */
function metricTitle({ id, spec }: StudyMetric, all: readonly StudyMetric[]): string {
  const { name } = parseSpec(spec);
  const alike = all.filter((m) => parseSpec(m.spec).name === name).length;
  return id === spec && alike === 1 ? name.charAt(0).toUpperCase() + name.slice(1) : id;
}

/** The cell groups with those of insertion − deletion behind, image by image. */
export function withContrast(
  cells: readonly Collected[],
  metrics: readonly StudyMetric[],
): readonly Collected[] {
  const pair = pairOf(metrics);
  if (pair === undefined) return cells;
  const key = (c: Collected): string => JSON.stringify([c.dataset, c.model, c.method]);
  const deletions = new Map(cells.filter((c) => c.metric === pair.deletion).map((c) => [key(c), c]));
  const contrasts = cells.flatMap((insertion): readonly Collected[] => {
    const deletion = insertion.metric === pair.insertion ? deletions.get(key(insertion)) : undefined;
    if (deletion === undefined) return [];
    const values = insertion.values.map((v, i) => {
      const other = deletion.values[i] ?? null;
      return v === null || other === null ? null : v - other;
    });
    const reasons = insertion.reasons.map((r, i) =>
      (r ?? deletion.reasons[i] ?? null) === null ? null : REASON,
    );
    return [
      {
        ...insertion,
        metric: CONTRAST,
        values,
        relative: null,
        reasons,
        curve: null,
      },
    ];
  });
  return [...cells, ...contrasts];
}

function pairOf(metrics: readonly StudyMetric[]) {
  const named = (name: string) => metrics.filter((m) => parseSpec(m.spec).name === name);
  const [insertion, ...moreInsertions] = named("insertion");
  const [deletion, ...moreDeletions] = named("deletion");
  const single = moreInsertions.length === 0 && moreDeletions.length === 0;
  return insertion !== undefined && deletion !== undefined && single
    ? { insertion: insertion.id, deletion: deletion.id }
    : undefined;
}

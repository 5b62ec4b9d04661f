/**
 * @file What a study says that extends another one: its own word where it has one, the other's where it has none.
 * Settings and data sets are taken key by key; a model, whose checkpoints belong together, and a list, whose order is
 * that of the tables, are taken whole. null takes back what the other study says.
 */
import type { StudyEntries } from "./schema.js";

type Entries = Readonly<Record<string, unknown>>;

/** How deep each part is taken key by key; what is not named here is taken whole. */
const DEPTH: Readonly<Record<string, number>> = { datasets: 2, models: 1, statistics: 1, report: 1, run: 1 };

const isEntries = (value: unknown): value is Entries =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `over` on top of `base`. Keys keep the place that they have in `base`; new ones follow. */
function mergeEntries(base: Entries, over: Entries, depthOf: (key: string) => number): Entries {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const before = merged[key];
    const depth = depthOf(key);
    if (value === null) delete merged[key];
    else if (depth > 0 && isEntries(before) && isEntries(value)) {
      merged[key] = mergeEntries(before, value, () => depth - 1);
    } else merged[key] = value;
  }
  return merged;
}

export function mergeStudies(base: StudyEntries, over: StudyEntries): StudyEntries {
  return mergeEntries(base, over, (key) => DEPTH[key] ?? 0) as StudyEntries;
}

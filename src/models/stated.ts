/** @file What tensors say of a model whose configuration is lost: values, each with where it is from. */
import type { Inferred } from "./architecture.js";

/** A field's or argument's name, its value, and where that is from. */
export type Stated = readonly [name: string, value: unknown, from: string];

const inWords = (value: unknown): string => (Array.isArray(value) ? value.join("x") : String(value));

export const valuesOf = (found: readonly Stated[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(found.map(([name, value]) => [name, value]));

/** What the user is told: the last value of each name that is not in what the user gave. */
export function inferredFrom(
  found: readonly Stated[],
  given: Readonly<Record<string, unknown>>,
): readonly Inferred[] {
  const last = new Map(found.map((stated) => [stated[0], stated]));
  return [...last.values()]
    .filter(([name]) => !(name in given))
    .map(([name, value, from]) => ({ name, value: inWords(value), from }));
}

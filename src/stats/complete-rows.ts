/**
 * @file The images on which every method has a value, which are those that a paired test can use; with what was left out
 * and why, since a method that fails on the hard images must not win by it unseen.
 */
import { type Finite, isUndefined, type Outcome } from "./outcome.js";
import { countReasons, type ReasonCount } from "./summary.js";

export interface CompleteRows {
  /** Which rows these are, by number. */
  readonly rows: readonly number[];
  /** [complete rows][columns] */
  readonly values: readonly (readonly Finite[])[];
  /** Rows left out, each by the first reason found in it. */
  readonly leftOut: readonly ReasonCount[];
}

/** @param table [rows][columns], e.g. a row for each image and a column for each method */
export function completeRows(table: readonly (readonly Outcome<Finite>[])[]): CompleteRows {
  const rows: number[] = [];
  const values: (readonly Finite[])[] = [];
  const lacking = table.flatMap((row, i) => {
    const gap = row.find(isUndefined);
    if (gap !== undefined) return [gap];
    rows.push(i);
    values.push(row.filter((v): v is Finite => !isUndefined(v)));
    return [];
  });
  return { rows, values, leftOut: countReasons(lacking) };
}

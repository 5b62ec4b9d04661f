/**
 * @file A table before it is written: the same cells for Markdown and LaTeX, and the numbers behind them at full
 * precision for CSV.
 */

export interface Table {
  /** Of its files, without ending. */
  readonly name: string;
  readonly caption: string;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly TableRow[];
  /** Sentences below the table. */
  readonly notes: readonly string[];
  readonly numbers: Numbers;
}

export interface TableColumn {
  readonly name: string;
  /** Heading above neighbouring columns of the same group. */
  readonly group?: string;
  readonly align: "left" | "right";
  /** Of names of any length: where it is narrow, they take several lines. */
  readonly names?: true;
}

export interface TableRow {
  readonly cells: readonly TableCell[];
  /** Heading above this row and those that follow. */
  readonly section?: string;
}

export interface TableCell {
  readonly text: string;
  /** After the text, smaller: an interval. */
  readonly detail?: string;
  readonly bold?: boolean;
  /** A mark that a note explains. */
  readonly mark?: string;
}

export interface Numbers {
  readonly header: readonly string[];
  readonly rows: readonly (readonly (string | number | boolean | null)[])[];
}

export const plain = (text: string): TableCell => ({ text });

/** Three decimals; a dash for none. */
export function decimals(value: number | null, digits = 3): string {
  return value === null ? "–" : value.toFixed(digits).replace("-", "−");
}

/** "[0.412, 0.507]" */
export const range = (interval: readonly [number, number] | null, digits = 3): string =>
  interval === null ? "" : `[${decimals(interval[0], digits)}, ${decimals(interval[1], digits)}]`;

/** A mean with its interval. */
export function estimateCell(
  { mean, interval }: { readonly mean: number | null; readonly interval: readonly [number, number] | null },
  digits = 3,
): TableCell {
  return { text: decimals(mean, digits), ...(interval === null ? {} : { detail: range(interval, digits) }) };
}

/** As papers write p-values. */
export const pValue = (p: number | null): string => (p === null ? "–" : p < 0.001 ? "<0.001" : p.toFixed(3));

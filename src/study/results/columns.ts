/**
 * @file The columns of scores.parquet and scores.csv: one list, so that both are the same table. What others' scripts
 * rely on: add to it, rename nothing.
 */
import type { ScoreRow } from "../types.js";

/** A value of a column, or why not. */
export type ColumnValue = string | number | boolean | null;

export interface ScoreColumn {
  readonly name: string;
  readonly type: "text" | "number" | "truth";
  /** Whether null occurs. */
  readonly optional: boolean;
  readonly value: (row: ScoreRow) => ColumnValue;
}

const column = (
  name: string,
  type: ScoreColumn["type"],
  optional: boolean,
  value: ScoreColumn["value"],
): ScoreColumn => ({ name, type, optional, value });

/** All but the curve, which only Parquet has. "group" is a word of SQL, so it is `image_group`. */
export const SCORE_COLUMNS: readonly ScoreColumn[] = [
  column("dataset", "text", false, (r) => r.dataset),
  column("model", "text", false, (r) => r.model),
  column("method", "text", false, (r) => r.method),
  column("control", "truth", false, (r) => r.control),
  column("metric", "text", false, (r) => r.metric),
  column("image", "text", false, (r) => r.image),
  column("image_sha256", "text", false, (r) => r.imageSha256),
  column("image_group", "text", true, (r) => r.group),
  column("label", "text", true, (r) => r.label),
  column("predicted", "text", false, (r) => r.predicted),
  column("correct", "truth", true, (r) => r.correct),
  column("class", "text", false, (r) => r.class),
  column("probability", "number", false, (r) => r.probability),
  column("score", "number", true, (r) => r.score),
  column("reason", "text", true, (r) => r.reason),
  column("cell", "text", false, (r) => r.cell),
];

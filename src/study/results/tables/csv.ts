/** @file Tables as CSV, numbers at full precision. */
import { stringify } from "csv-stringify/sync";
import type { Table } from "./table.js";

/** Comma-separated, with a header; what is undefined is empty. */
export const csvTable = ({ numbers: { header, rows } }: Table): string =>
  stringify([header, ...rows.map((row) => row.map((v) => (v === null ? "" : String(v))))]);

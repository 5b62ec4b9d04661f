/**
 * @file CSV files with a header, read so that every complaint can name its line.
 */
import { type CsvError, parse } from "csv-parse/sync";
import { readBytes } from "../imaging/node/file-error.js";
import { VitreousError } from "../onnx/errors.js";

export interface CsvRow {
  /** Line of the file where the row ends, counted from 1. */
  readonly line: number;
  readonly row: Readonly<Record<string, string | undefined>>;
}

interface Record_ {
  readonly record: Record<string, string>;
  readonly info: { readonly lines: number };
}

/**
 * The rows of a CSV file (UTF-8, a byte-order mark allowed), their values trimmed.
 *
 * @throws VitreousError when it is no CSV file or lacks one of the columns.
 */
export async function readCsv(path: string, required: readonly string[]): Promise<CsvRow[]> {
  const text = new TextDecoder().decode(await readBytes(path));
  const rows = (() => {
    try {
      return parse(text, {
        bom: true,
        columns: (header: string[]) => checkHeader(header, required, path),
        info: true,
        skip_empty_lines: true,
        trim: true,
      }) as unknown as Record_[];
    } catch (error) {
      if (error instanceof VitreousError) throw error;
      const line = (error as CsvError).lines;
      const reason = error instanceof Error ? error.message : String(error);
      throw new VitreousError(`${path}${typeof line === "number" ? `, line ${line}` : ""}: ${reason}.`, {
        cause: error,
      });
    }
  })();
  if (rows.length === 0 && text.trim() === "") throw new VitreousError(`${path} is empty.`);
  return rows.map(({ record, info }) => ({ line: info.lines, row: record }));
}

function checkHeader(header: readonly string[], required: readonly string[], path: string): string[] {
  const names = header.map((name) => name.trim().toLowerCase());
  const missing = required.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new VitreousError(
      `${path}, line 1: the column ${missing.map((m) => `"${m}"`).join(" and ")} is missing; the columns are ${names.map((n) => `"${n}"`).join(", ")}.`,
    );
  }
  return names;
}

/**
 * @file What a study leaves for other programs: scores.parquet, scores.csv and tables. The rows are gone through once,
 * and nothing written depends on time, machine or the order in which they were computed.
 */
import { join } from "node:path";
import { stringify } from "csv-stringify/sync";
import { makeFolder, writeFileAtomic } from "../../../imaging/node/atomic.js";
import { partialFile } from "../../../imaging/node/partial-file.js";
import { startAnalysis } from "../../analysis/analyse.js";
import type { StudyAnalysis } from "../../analysis/types.js";
import type { StoredStudy } from "../../run/types.js";
import type { ScoreRow } from "../../types.js";
import { type ColumnValue, SCORE_COLUMNS } from "../columns.js";
import { csvTable } from "../tables/csv.js";
import { latexTable } from "../tables/latex.js";
import { markdownTable } from "../tables/markdown.js";
import { studyTables } from "../tables/study-tables.js";
import { writeParquet } from "./parquet.js";

const CSV_ROWS = 1000;

/**
 * Writes scores.parquet, scores.csv and tables/ into the study's folder and gives the analysis that the tables are of.
 *
 * @throws VitreousError when a file cannot be written
 */
export async function writeResults(folder: string, study: StoredStudy): Promise<StudyAnalysis> {
  await makeFolder(join(folder, "tables"));
  const analysis = startAnalysis(study);
  const csv = await partialFile(join(folder, "scores.csv"));
  try {
    await csv.write(stringify([SCORE_COLUMNS.map((c) => c.name)]));
    await writeParquet(
      join(folder, "scores.parquet"),
      passing(study.rows(), async (rows) => {
        for (const row of rows) analysis.add(row);
        await csv.write(stringify(rows.map(csvRow)));
      }),
    );
  } catch (error) {
    await csv.discard();
    throw error;
  }
  await csv.finish();
  const found = analysis.finish();
  for (const table of studyTables(found)) {
    const path = join(folder, "tables", table.name);
    await writeFileAtomic(`${path}.csv`, csvTable(table));
    await writeFileAtomic(`${path}.md`, markdownTable(table));
    await writeFileAtomic(`${path}.tex`, latexTable(table));
  }
  return found;
}

const csvRow = (row: ScoreRow): readonly string[] => SCORE_COLUMNS.map(({ value }) => csvValue(value(row)));

/** Truth as DuckDB and pandas read it. */
const csvValue = (value: ColumnValue): string => (value === null ? "" : String(value));

/** Hands rows on, some at a time, as they pass. */
async function* passing(
  rows: Iterable<ScoreRow>,
  look: (rows: readonly ScoreRow[]) => Promise<void>,
): AsyncIterable<ScoreRow> {
  let held: ScoreRow[] = [];
  for (const row of rows) {
    held.push(row);
    if (held.length === CSV_ROWS) {
      await look(held);
      held = [];
    }
    yield row;
  }
  await look(held);
}

/**
 * @file scores.parquet: every score of every image with its curve. Written a few thousand rows at a time, so that memory
 * does not grow with the study.
 */
import { ByteWriter, parquetWriteRows, type SchemaElement } from "hyparquet-writer";
import { partialFile } from "../../../imaging/node/partial-file.js";
import { VERSION } from "../../../version.js";
import type { ScoreRow } from "../../types.js";
import { SCORE_COLUMNS, type ScoreColumn } from "../columns.js";

/** Rows held at once; curves of 225 points make them about 8 MB. */
const ROW_GROUP = 4096;

const CURVE = "curve";

/** Lists as the Parquet format has them, in three levels. */
const SCHEMA: SchemaElement[] = [
  { name: "root", num_children: SCORE_COLUMNS.length + 1 },
  ...SCORE_COLUMNS.map(elementOf),
  { name: CURVE, repetition_type: "REQUIRED", converted_type: "LIST", num_children: 1 },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  { name: "element", type: "DOUBLE", repetition_type: "REQUIRED" },
];

function elementOf({ name, type, optional }: ScoreColumn): SchemaElement {
  const repetition_type = optional ? "OPTIONAL" : "REQUIRED";
  if (type === "text") return { name, repetition_type, type: "BYTE_ARRAY", converted_type: "UTF8" };
  return { name, repetition_type, type: type === "number" ? "DOUBLE" : "BOOLEAN" };
}

/**
 * Writes all rows, whole or not at all; the same rows give the same bytes.
 *
 * @throws VitreousError when the file cannot be written; whatever `rows` throws
 */
export async function writeParquet(path: string, rows: AsyncIterable<ScoreRow>): Promise<void> {
  const file = await partialFile(path);
  const bytes = new ByteWriter();
  const flush = async (): Promise<void> => {
    await file.write(bytes.getBytes());
    bytes.index = 0;
  };
  try {
    await parquetWriteRows({
      writer: Object.assign(bytes, { flush, finish: flush }),
      rows: records(rows),
      columns: [...SCORE_COLUMNS, { name: CURVE }].map(({ name }) => ({ name })),
      schema: SCHEMA,
      rowGroupSize: ROW_GROUP,
      createdBy: `vitreous version ${VERSION}`,
    });
  } catch (error) {
    await file.discard();
    throw error;
  }
  await file.finish();
}

async function* records(rows: AsyncIterable<ScoreRow>): AsyncIterable<Record<string, unknown>> {
  for await (const row of rows) {
    const values = SCORE_COLUMNS.map(({ name, value }) => [name, value(row)] as const);
    yield { ...Object.fromEntries(values), [CURVE]: row.curve };
  }
}

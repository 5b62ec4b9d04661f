/**
 * @file A CSV manifest: columns path, label and, as far as known, split, group, mask and box. Paths are relative to
 * the CSV file. Masks are separated by ";"; a box is "x0 y0 x1 y1" in pixels, ends exclusive, and its column is
 * "box" or ends in "_box".
 */
import { dirname, isAbsolute, join } from "node:path";
import { VitreousError } from "../onnx/errors.js";
import { type CsvRow, readCsv } from "./csv.js";
import type { DatasetItem, ItemBox, Skipped } from "./dataset.js";
import { kindOfPath } from "./files.js";

export interface Listing {
  readonly items: readonly DatasetItem[];
  readonly skipped: readonly Skipped[];
  readonly notes: readonly string[];
}

function readBox(text: string, where: string): ItemBox {
  const numbers = text.split(/[\s,;]+/).map(Number);
  const [x0, y0, x1, y1] = numbers;
  if (
    numbers.length !== 4 ||
    x0 === undefined ||
    y0 === undefined ||
    x1 === undefined ||
    y1 === undefined ||
    !(x0 < x1 && y0 < y1)
  ) {
    throw new VitreousError(`${where}: the box "${text}" is not "x0 y0 x1 y1" with x0 < x1 and y0 < y1.`);
  }
  return { x0, y0, x1, y1 };
}

function readItem({ line, row }: CsvRow, path: string, boxColumn: string | undefined): DatasetItem {
  const where = `${path}, line ${line}`;
  if (!row.path) throw new VitreousError(`${where}: the path is missing.`);
  const folder = dirname(path);
  const resolve = (name: string): string => (isAbsolute(name) ? name : join(folder, name));
  const masks = (row.mask ?? "")
    .split(";")
    .map((m) => m.trim())
    .filter((m) => m !== "");
  const box = boxColumn ? row[boxColumn] : undefined;
  return {
    path: resolve(row.path),
    name: row.path.replaceAll("\\", "/"),
    ...(row.label ? { label: row.label } : {}),
    ...(row.split ? { split: row.split } : {}),
    ...(row.group ? { group: row.group } : {}),
    ...(masks.length > 0 ? { masks: masks.map(resolve) } : {}),
    ...(box ? { box: readBox(box, where) } : {}),
  };
}

/** Reads a manifest. Pictures and masks that do not exist are counted and left out, not fatal. */
export async function readManifest(path: string): Promise<Listing> {
  const rows = await readCsv(path, ["path"]);
  const columns = Object.keys(rows[0]?.row ?? {});
  const boxColumns = columns.includes("box") ? ["box"] : columns.filter((c) => c.endsWith("_box"));
  if (boxColumns.length > 1) {
    throw new VitreousError(
      `${path}, line 1: ${boxColumns.join(" and ")} could each be the box; call one of them "box".`,
    );
  }
  const items: DatasetItem[] = [];
  const skipped: Skipped[] = [];
  const lines = new Map<string, number>();
  let lostMasks = 0;
  for (const row of rows) {
    const item = readItem(row, path, boxColumns[0]);
    const before = lines.get(item.path);
    if (before !== undefined) {
      throw new VitreousError(
        `${path}, line ${row.line}: ${item.name} is listed twice (before on line ${before}).`,
      );
    }
    lines.set(item.path, row.line);
    if ((await kindOfPath(item.path)) !== "file") {
      skipped.push({
        path: item.path,
        reason: `listed on line ${row.line} of the manifest, but no such file`,
      });
      continue;
    }
    const { masks, ...rest } = item;
    const found: string[] = [];
    for (const mask of masks ?? []) {
      if ((await kindOfPath(mask)) === "file") found.push(mask);
      else lostMasks++;
    }
    items.push(found.length > 0 ? { ...rest, masks: found } : rest);
  }
  return { items, skipped, notes: lostMasks > 0 ? [`${lostMasks} masks of the manifest do not exist`] : [] };
}

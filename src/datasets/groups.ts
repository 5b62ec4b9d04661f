/**
 * @file Which pictures belong together. A near-duplicate in another split is a leak, so groups are read where they
 * are published (groups.csv) and found by content where they are not.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { readFailure } from "../imaging/node/file-error.js";
import { VitreousError } from "../onnx/errors.js";
import { readCsv } from "./csv.js";
import type { DatasetItem } from "./dataset.js";
import { kindOfPath } from "./files.js";
import { hashOf } from "./look.js";

/** The groups of the first groups.csv (columns path, group) among the folders, by path; undefined without one. */
export async function readGroups(
  folders: readonly string[],
): Promise<{ readonly path: string; readonly groups: ReadonlyMap<string, string> } | undefined> {
  for (const folder of folders) {
    const path = join(folder, "groups.csv");
    if ((await kindOfPath(path)) !== "file") continue;
    const groups = new Map<string, string>();
    for (const { line, row } of await readCsv(path, ["path", "group"])) {
      const name = row.path?.replaceAll("\\", "/");
      if (!name) throw new VitreousError(`${path}, line ${line}: the path is missing.`);
      if (row.group) groups.set(name, row.group);
    }
    return { path, groups };
  }
  return undefined;
}

/**
 * Groups of byte-identical files, named by the first one's name. Only files of equal length are read.
 *
 * @returns Group by item name, for items that have a twin.
 */
export async function identicalGroups(
  items: readonly DatasetItem[],
  signal?: AbortSignal,
  hash: (path: string) => Promise<string> = hashOf,
): Promise<ReadonlyMap<string, string>> {
  const bySize = new Map<number, DatasetItem[]>();
  for (const item of items) {
    signal?.throwIfAborted();
    const { size } = await stat(item.path).catch((error: unknown) => {
      throw readFailure(item.path, error);
    });
    bySize.set(size, [...(bySize.get(size) ?? []), item]);
  }
  const groups = new Map<string, string>();
  for (const same of bySize.values()) {
    if (same.length < 2) continue;
    const firstOf = new Map<string, string>();
    for (const item of same) {
      signal?.throwIfAborted();
      const sha256 = await hash(item.path);
      const first = firstOf.get(sha256);
      if (first === undefined) firstOf.set(sha256, item.name);
      else {
        groups.set(first, first);
        groups.set(item.name, first);
      }
    }
  }
  return groups;
}

/** Sentences about groups that span classes: their label is uncertain, and a split cannot stratify them. */
export function groupNotes(items: readonly DatasetItem[]): string[] {
  const labels = new Map<string, Set<string>>();
  const sizes = new Map<string, number>();
  for (const { group, label } of items) {
    if (group === undefined) continue;
    sizes.set(group, (sizes.get(group) ?? 0) + 1);
    const known = labels.get(group) ?? new Set<string>();
    if (label !== undefined) known.add(label);
    labels.set(group, known);
  }
  const shared = [...sizes.values()].filter((n) => n > 1);
  const mixed = [...labels.values()].filter((l) => l.size > 1).length;
  const images = shared.reduce((a, b) => a + b, 0);
  return [
    ...(shared.length > 0
      ? [
          `${shared.length} group${shared.length > 1 ? "s" : ""} of related images (${images} images) must stay together in a split`,
        ]
      : []),
    ...(mixed > 0 ? [`${mixed} group${mixed > 1 ? "s hold" : " holds"} images of different classes`] : []),
  ];
}

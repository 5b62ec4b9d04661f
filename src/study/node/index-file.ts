/**
 * @file What a study's folder says of itself beside its cells: the declaration, the images and the models that their keys
 * are made from. With it the results can be read back without the data or the models.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../imaging/node/atomic.js";
import { errorCode, readFailure } from "../../imaging/node/file-error.js";
import { VitreousError } from "../../onnx/errors.js";
import type { CheckpointFacts, StoredDataset } from "../run/types.js";
import type { StudyDeclaration, StudyFailure } from "../types.js";

export interface StudyIndex {
  readonly version: 1;
  readonly engine: Readonly<Record<string, string>>;
  readonly declaration: StudyDeclaration;
  readonly datasets: readonly StoredDataset[];
  /** Those that were opened, in declared order. */
  readonly checkpoints: readonly CheckpointFacts[];
  readonly failures: readonly StudyFailure[];
  /** The last run went to its end. */
  readonly complete: boolean;
}

/** Where a study's units are. */
export const cellsFolder = (out: string): string => join(out, "cells");

const indexPath = (out: string): string => join(cellsFolder(out), "index.json");

/** @throws VitreousError where there is none, or what is there is none */
export function readIndex(out: string): StudyIndex {
  const text = textOf(indexPath(out));
  if (text === undefined)
    throw new VitreousError(`${out} holds no study: run one with \`vitreous study FILE.yaml --out ${out}\``);
  const index = parsed(text);
  if (index === undefined)
    throw new VitreousError(
      `${indexPath(out)} is damaged, or of another version: run the study again, which keeps its cells`,
    );
  return index;
}

/** Written only where it says something else than before: a finished study can be read, and run, where nothing can be written. */
export async function writeIndex(out: string, index: StudyIndex): Promise<void> {
  const text = `${JSON.stringify(index)}\n`;
  if (textOf(indexPath(out)) === text) return;
  await makeFolder(cellsFolder(out));
  await writeFileAtomic(indexPath(out), text);
}

/** What an earlier run of the same study has found of its models; none where anything else was declared or computed. */
export function earlier(
  out: string,
  now: Omit<StudyIndex, "checkpoints" | "failures">,
): StudyIndex | undefined {
  const text = textOf(indexPath(out));
  const index = text === undefined ? undefined : parsed(text);
  const same = (["version", "engine", "declaration", "datasets"] as const).every(
    (key) => JSON.stringify(index?.[key]) === JSON.stringify(now[key]),
  );
  return same ? index : undefined;
}

function parsed(text: string): StudyIndex | undefined {
  try {
    const index = JSON.parse(text) as StudyIndex;
    return index.version === 1 ? index : undefined;
  } catch {
    return undefined;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw readFailure(path, error);
  }
}

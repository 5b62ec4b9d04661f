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
import { indexSchema } from "./index-schema.js";

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
  const path = indexPath(out);
  const text = textOf(path);
  if (text === undefined)
    throw new VitreousError(`${out} holds no study: run one with \`vitreous study FILE.yaml --out ${out}\``);
  const index = parsed(text);
  if ("unfit" in index)
    throw new VitreousError(
      `${path} is damaged, or of another version of vitreous (${index.unfit}): run the study again with its file, which keeps what is computed`,
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

/** What an earlier run has left. */
export interface Earlier {
  /** What it found of its models; none where anything else was declared or computed. */
  readonly index?: StudyIndex;
  /** What a person should know of it. */
  readonly notes: readonly string[];
}

/** @throws VitreousError where it cannot be read */
export function earlier(out: string, now: Omit<StudyIndex, "checkpoints" | "failures">): Earlier {
  const path = indexPath(out);
  const text = textOf(path);
  if (text === undefined) return { notes: [] };
  const index = parsed(text);
  if ("unfit" in index)
    return {
      notes: [
        `${path} is damaged, or of another version of vitreous (${index.unfit}), and is written anew; what is computed is kept`,
      ],
    };
  const same = (["version", "engine", "declaration", "datasets"] as const).every(
    (key) => JSON.stringify(index[key]) === JSON.stringify(now[key]),
  );
  return { notes: [], ...(same && { index }) };
}

/** The index, with all that is written there, or what is wrong with it first. */
function parsed(text: string): StudyIndex | { readonly unfit: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { unfit: "no whole JSON" };
  }
  const checked = indexSchema.safeParse(value);
  if (checked.success) return value as StudyIndex;
  const [issue] = checked.error.issues;
  const key = issue?.path.map(String).join(".") ?? "";
  return { unfit: `${key === "" ? "all of it" : key}: ${issue?.message ?? "unknown"}` };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw readFailure(path, error);
  }
}

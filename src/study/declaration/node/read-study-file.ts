/**
 * @file A study file from disk, with those that it extends: each checked, its paths made absolute from where it lies,
 * and all of them come together in one declaration.
 */
import { realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { kindOfPath, stemOf } from "../../../datasets/files.js";
import { readBytes } from "../../../imaging/node/file-error.js";
import { isHubName } from "../../../models/node/hub.js";
import { VitreousError } from "../../../onnx/errors.js";
import type { StudyDeclaration } from "../../types.js";
import { complaint, type KeyPath, type Place, readDocument, type StudyDocument } from "../document.js";
import { mergeStudies } from "../merge.js";
import { resolveEntries } from "../resolve.js";
import { type StudyEntries, studySchema } from "../schema.js";

export interface ResolveSettings {
  /** Whether files and folders must exist; true by default. */
  readonly checkPaths?: boolean;
}

interface StudyFile {
  readonly document: StudyDocument;
  readonly entries: StudyEntries;
}

/**
 * Reads a study file.
 *
 * @returns The study with every default filled in and every path absolute.
 * @throws VitreousError with a line for each mistake: file, line, column, key, what is wrong and what it must be.
 */
export async function resolveStudy(
  file: string,
  { checkPaths = true }: ResolveSettings = {},
): Promise<StudyDeclaration> {
  const files = await readChain(file);
  const entries = files.map((one) => one.entries).reduceRight((base, over) => mergeStudies(base, over));
  const mistakes = new Set<string>();
  const complain = (path: KeyPath, message: string): void => {
    mistakes.add(complaint(placeIn(files, path), message));
  };
  const declaration = resolveEntries(entries, stemOf(basename(file)), complain);
  if (declaration !== undefined && checkPaths) await findMissing(declaration, complain);
  if (declaration === undefined || mistakes.size > 0) throw new VitreousError([...mistakes].join("\n"));
  return declaration;
}

/** The file and those that it extends, the furthest last. */
async function readChain(file: string): Promise<readonly StudyFile[]> {
  const files: StudyFile[] = [];
  const seen: string[] = [];
  for (let next: string | undefined = file, from: Place | undefined; next !== undefined; ) {
    const bytes: Uint8Array = await readBytes(next).catch((error: unknown) => {
      if (from === undefined || !(error instanceof VitreousError)) throw error;
      throw new VitreousError(complaint(from, `cannot be read: ${error.message}`), { cause: error });
    });
    const real = await realpath(next);
    if (from !== undefined && seen.includes(real)) {
      const circle = [...files.slice(seen.indexOf(real)).map(({ document }) => document.name), next];
      throw new VitreousError(complaint(from, `goes in a circle: ${circle.join(" → ")}`));
    }
    seen.push(real);
    const read = readOne(bytes, next);
    files.push(read);
    const parent: string | null | undefined = read.entries.extends;
    from = read.document.place(["extends"]);
    next = parent ? (parent === resolve(parent) ? parent : join(dirname(next), parent)) : undefined;
  }
  return files;
}

function readOne(bytes: Uint8Array, name: string): StudyFile {
  const text = (() => {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch (error) {
      throw new VitreousError(`${name} is not UTF-8 text; a study is a YAML file.`, { cause: error });
    }
  })();
  const document = readDocument(text, name);
  const result = studySchema.safeParse(document.value);
  if (result.success) return { document, entries: withAbsolutePaths(result.data, dirname(resolve(name))) };
  const mistakes = result.error.issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === "symbol" ? String(step) : step));
    if (issue.code !== "unrecognized_keys") return complaint(document.place(path), issue.message);
    const owner = document.place(path).key || "a study";
    return issue.keys.map((key) =>
      complaint(document.keyPlace(path, key), `is not known: ${owner} ${issue.message}`),
    );
  });
  throw new VitreousError(mistakes.join("\n"));
}

/** Where a value stands: in the file that says most of its path, the first of equals. */
function placeIn(files: readonly StudyFile[], path: KeyPath): Place {
  const places = files.map(({ document }) => document.place(path));
  return places.reduce((best, place) => (place.depth > best.depth ? place : best));
}

const PATHS = new Set(["path", "splits", "head", "preprocess", "labels"]);

/** Data sets and models with their paths taken from the file's folder. */
function withAbsolutePaths(entries: StudyEntries, folder: string): StudyEntries {
  const absolute = (value: unknown): unknown =>
    typeof value !== "object" || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(
          Object.entries(value).map(([key, inner]) =>
            typeof inner === "string" && PATHS.has(key) && !isHubName(inner)
              ? [key, resolve(folder, inner)]
              : [key, absolute(inner)],
          ),
        );
  const { datasets, models } = entries;
  return { ...entries, ...(absolute({ datasets, models }) as Pick<StudyEntries, "datasets" | "models">) };
}

/** Complains of each file or folder that is not there. */
async function findMissing(
  { datasets, models }: StudyDeclaration,
  complain: (path: KeyPath, message: string) => void,
): Promise<void> {
  const check = async (key: KeyPath, path: string | null): Promise<void> => {
    if (path === null || isHubName(path) || (await kindOfPath(path)) !== undefined) return;
    complain(key, `does not exist: ${path}`);
  };
  for (const { id, path, splits } of datasets) {
    await check(["datasets", id, "path"], path);
    await check(["datasets", id, "splits"], splits);
  }
  for (const { id, checkpoints } of models) {
    for (const [dataset, { path, head, preprocess, labels }] of Object.entries(checkpoints)) {
      const key = (last: string): KeyPath => ["models", id, dataset, last];
      await check(key("path"), path);
      await check(key("head"), head === null ? null : head.replace(/:order=\w+$/, ""));
      await check(key("preprocess"), preprocess);
      await check(key("labels"), labels);
    }
  }
}

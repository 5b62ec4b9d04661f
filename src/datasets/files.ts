/**
 * @file Walking folders for pictures, once and for all: what counts as one by its name, what is hidden, which files
 * are masks of others, and in what order they come.
 */
import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, readFailure } from "../imaging/node/file-error.js";
import type { Skipped } from "./dataset.js";
import { naturalCompare } from "./order.js";

const PICTURE = /\.(png|jpe?g|jpe|jfif|tiff?|webp|bmp)$/i;
const TENSOR = /\.npy$/i;
const MASK = /^(.*)_mask(_\d+)?\.[^.]+$/i;

export const isPicture = (name: string): boolean => PICTURE.test(name);
export const isTensor = (name: string): boolean => TENSOR.test(name);
export const isHidden = (name: string): boolean => name.startsWith(".");

/** The name without its last extension. */
export const stemOf = (name: string): string => name.replace(/\.[^.]+$/, "");

export interface Folder {
  readonly path: string;
  /** Files that are pictures by their names, masks not among them, in natural order. */
  readonly pictures: readonly string[];
  readonly tensors: readonly string[];
  /** Masks by the stem of the picture that they belong to ("x" for x_mask.png, x_mask_1.png). */
  readonly masks: ReadonlyMap<string, readonly string[]>;
  /** Masks without a picture beside them. */
  readonly orphans: readonly string[];
  readonly folders: readonly string[];
  /** Hidden files whose names are those of pictures. */
  readonly hidden: readonly string[];
}

/** An entry's kind, links followed; undefined for what is neither file nor folder, and for broken links. */
async function kindOf(folder: string, entry: Dirent): Promise<"file" | "folder" | undefined> {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  if (!entry.isSymbolicLink()) return undefined;
  const target = await stat(join(folder, entry.name)).catch(() => undefined);
  return target?.isFile() ? "file" : target?.isDirectory() ? "folder" : undefined;
}

/** One folder, its names sorted into kinds. Nothing is opened. @throws VitreousError when it cannot be read. */
export async function readFolder(path: string): Promise<Folder> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    throw readFailure(path, error);
  });
  entries.sort((a, b) => naturalCompare(a.name, b.name));
  const pictures: string[] = [];
  const tensors: string[] = [];
  const folders: string[] = [];
  const hidden: string[] = [];
  for (const entry of entries) {
    const kind = await kindOf(path, entry);
    if (isHidden(entry.name)) {
      if (kind === "file" && isPicture(entry.name)) hidden.push(entry.name);
    } else if (kind === "folder") folders.push(entry.name);
    else if (kind === "file" && isPicture(entry.name)) pictures.push(entry.name);
    else if (kind === "file" && isTensor(entry.name)) tensors.push(entry.name);
  }
  // "x_mask.png" is a mask where there is a picture "x.…"; alone it may be a picture of a mask.
  const stems = new Set(pictures.map(stemOf));
  const masks = new Map<string, string[]>();
  const orphans: string[] = [];
  const images: string[] = [];
  for (const name of pictures) {
    const owner = MASK.exec(name)?.[1];
    if (owner === undefined) images.push(name);
    else if (stems.has(owner)) masks.set(owner, [...(masks.get(owner) ?? []), name]);
    else orphans.push(name);
  }
  return { path, pictures: images, tensors, masks, orphans, folders, hidden };
}

/** A folder and all below it, depth first in natural order; a link back to a folder above is not followed twice. */
export async function walkFolders(path: string, seen: Set<string> = new Set()): Promise<Folder[]> {
  const real = await realpath(path).catch((error: unknown) => {
    throw readFailure(path, error);
  });
  if (seen.has(real)) return [];
  seen.add(real);
  const folder = await readFolder(path);
  const below: Folder[] = [];
  for (const name of folder.folders) below.push(...(await walkFolders(join(path, name), seen)));
  return [folder, ...below];
}

/** What a folder left out. */
export function skippedOf(folder: Folder): Skipped[] {
  return folder.hidden.map((name) => ({ path: join(folder.path, name), reason: "hidden file" }));
}

/** "file", "folder", or undefined where there is nothing. @throws VitreousError for any other trouble. */
export async function kindOfPath(path: string): Promise<"file" | "folder" | undefined> {
  try {
    const found = await stat(path);
    return found.isDirectory() ? "folder" : "file";
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw readFailure(path, error);
  }
}

/**
 * @file The pictures that a person named on the command line: files, folders, tensors, in the order given, each with
 * a stem of its own for the files that will be written about it. What cannot be used is listed beside, so that one
 * bad name among a thousand costs nothing else.
 */
import { open } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { readFailure } from "../imaging/node/file-error.js";
import { readNpyShape } from "../imaging/npy.js";
import { VitreousError } from "../onnx/errors.js";
import { isTensor, kindOfPath, stemOf, walkFolders } from "./files.js";
import { uniqueStems } from "./stems.js";

export interface InputImage {
  readonly path: string;
  /** For messages: the path as given, with "[i]" behind it for item i of a tensor batch. */
  readonly name: string;
  /** Unique among the images, without regard to case; safe as a file name. */
  readonly stem: string;
  /** For an item of a .npy file: which. */
  readonly index?: number;
}

export interface CollectedImages {
  readonly images: readonly InputImage[];
  readonly failed: readonly { readonly image: string; readonly error: string }[];
  /** Left out on purpose: hidden files with a picture's name, masks beside their pictures. */
  readonly notes: readonly string[];
}

interface Found {
  readonly path: string;
  readonly shown: string;
  readonly index?: number;
  /** "-0" for item 0 of a batch. */
  readonly suffix: string;
}

/** The header of a .npy file says how many images it holds. */
async function tensorItems(path: string, shown: string): Promise<Found[]> {
  const file = await open(path).catch((error: unknown) => {
    throw readFailure(path, error);
  });
  try {
    const head = new Uint8Array(65_536 + 16);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const shape = readNpyShape(head.subarray(0, bytesRead), shown);
    if (shape.length !== 4) return [{ path, shown, index: 0, suffix: "" }];
    const count = shape[0] ?? 0;
    if (count === 0) throw new VitreousError(`${shown} holds no image: its shape is [${shape.join(", ")}].`);
    return Array.from({ length: count }, (_, index) => ({
      path,
      shown: `${shown}[${index}]`,
      index,
      suffix: `-${index}`,
    }));
  } finally {
    await file.close();
  }
}

async function ofFile(path: string, shown: string): Promise<Found[]> {
  return isTensor(path) ? tensorItems(path, shown) : [{ path, shown, suffix: "" }];
}

/**
 * @param paths Files, and folders that are searched with all below them (hidden files and masks are left out).
 * @throws VitreousError when nothing at all can be used.
 */
export async function collectImages(paths: readonly string[]): Promise<CollectedImages> {
  const found = new Map<string, Found>();
  const failed: { image: string; error: string }[] = [];
  let hidden = 0;
  let masks = 0;
  const attempt = async (shown: string, work: () => Promise<readonly Found[]>): Promise<void> => {
    try {
      for (const item of await work()) {
        const key = `${resolve(item.path)}\0${item.index ?? ""}`;
        if (!found.has(key)) found.set(key, item);
      }
    } catch (error) {
      if (!(error instanceof VitreousError)) throw error;
      failed.push({ image: shown, error: error.message });
    }
  };
  for (const path of paths) {
    await attempt(path, async () => {
      const kind = await kindOfPath(path);
      if (!kind) throw new VitreousError(`${path} does not exist.`);
      if (kind === "file") return ofFile(path, path);
      const folders = await walkFolders(path);
      let any = false;
      for (const folder of folders) {
        hidden += folder.hidden.length;
        masks += [...folder.masks.values()].reduce((a, m) => a + m.length, 0);
        for (const name of [...folder.pictures, ...folder.orphans, ...folder.tensors]) {
          any = true;
          const file = join(folder.path, name);
          await attempt(file, () => ofFile(file, file));
        }
      }
      if (!any) {
        throw new VitreousError(
          `${path} holds no images (PNG, JPEG, TIFF, WebP, BMP or .npy files, also in folders below it).`,
        );
      }
      return [];
    });
  }
  if (found.size === 0) {
    throw new VitreousError(failed.map((f) => f.error).join("\n") || "No images were given.");
  }
  const images = [...found.values()];
  return {
    images: named(images),
    failed,
    notes: [
      ...(hidden > 0 ? [`${hidden} hidden file${hidden > 1 ? "s" : ""} skipped`] : []),
      ...(masks > 0 ? [`${masks} mask${masks > 1 ? "s" : ""} beside images skipped`] : []),
    ],
  };
}

/** The deepest folder that all paths lie in. */
function commonFolder(paths: readonly string[]): string {
  const [first, ...rest] = paths.map((path) => dirname(resolve(path)).split(sep));
  let shared = first ?? [];
  for (const parts of rest) {
    const end = shared.findIndex((part, i) => parts[i] !== part);
    if (end >= 0) shared = shared.slice(0, end);
  }
  return shared.join(sep) || sep;
}

function named(found: readonly Found[]): InputImage[] {
  const base = commonFolder(found.map((f) => f.path));
  const stems = uniqueStems(
    found.map(({ path, suffix }) => {
      const below = relative(base, resolve(path));
      return [stemOf(basename(path)), stemOf(below), below].map((name) => `${name}${suffix}`);
    }),
  );
  return found.map(({ path, shown, index }, i) => ({
    path,
    name: shown,
    stem: stems[i] ?? "",
    ...(index === undefined ? {} : { index }),
  }));
}

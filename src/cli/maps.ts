/** @file Maps made elsewhere (`--maps DIR`): found by an image's stem, checked against the size the model sees. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { MapToScore } from "../api/types.js";
import { readBytes, readFailure } from "../imaging/node/file-error.js";
import { readNpy } from "../imaging/npy.js";
import { VitreousError } from "../onnx/errors.js";

const EXTENSION = ".npy";

/** Files of DIR by image stem: `<stem>.npy` is "maps", `<stem>.<name>.npy` is "maps:<name>". */
export interface MapFolder {
  mapsOf(stem: string): readonly { readonly method: string; readonly path: string }[];
}

/**
 * @param stems of all images: "a.b.npy" belongs to the image "a.b" where there is one, and is map "b" of image "a"
 *   only where there is not.
 * @throws VitreousError when there is no such folder, or no .npy file in it
 */
export async function openMapFolder(folder: string, stems: readonly string[]): Promise<MapFolder> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new VitreousError(`--maps: ${readFailure(folder, error).message}`, { cause: error });
  });
  const files = names.filter((name) => name.endsWith(EXTENSION) && !name.startsWith("."));
  if (files.length === 0) throw new VitreousError(`--maps: ${folder} holds no .npy files.`);
  const known = new Set(stems);
  const byStem = new Map<string, { readonly method: string; readonly path: string }[]>();
  for (const bare of files.map((file) => file.slice(0, -EXTENSION.length)).sort()) {
    const stem = ownerOf(bare, known);
    if (stem === undefined) continue;
    const method = bare === stem ? "maps" : `maps:${bare.slice(stem.length + 1)}`;
    const path = join(folder, `${bare}${EXTENSION}`);
    byStem.set(stem, [...(byStem.get(stem) ?? []), { method, path }]);
  }
  return { mapsOf: (stem) => byStem.get(stem) ?? [] };
}

/** The longest stem that `name` is, or begins with before a dot. */
function ownerOf(name: string, stems: ReadonlySet<string>): string | undefined {
  for (let end = name.length; end > 0; end = name.lastIndexOf(".", end - 1)) {
    const stem = name.slice(0, end);
    if (stems.has(stem)) return stem;
  }
  return undefined;
}

/** One map, [height, width], all finite. Throws VitreousError in one sentence. */
export async function readMap(
  { method, path }: { readonly method: string; readonly path: string },
  size: readonly [number, number],
): Promise<MapToScore> {
  const { shape, data } = readNpy(await readBytes(path), path);
  if (shape.length !== 2 || shape[0] !== size[0] || shape[1] !== size[1]) {
    throw new VitreousError(
      `${path} is an array [${shape.join(", ")}], but the map of an image must be [${size.join(", ")}], the size the model sees`,
    );
  }
  const bad = data.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) {
    throw new VitreousError(
      `${path} holds ${data[bad]} at row ${Math.floor(bad / size[1])}, column ${bad % size[1]}; maps must be finite everywhere`,
    );
  }
  return { method, values: data };
}

/** @file Maps made elsewhere (`--maps DIR`): found by an image's stem, checked against the size the model sees. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { MapToScore } from "../api/opened.js";
import { readBytes } from "../imaging/node/file-error.js";
import { readNpy } from "../imaging/npy.js";
import { VitreousError } from "../onnx/errors.js";

/** Files of DIR by image stem: `<stem>.npy` is "maps", `<stem>.<name>.npy` is "maps:<name>". */
export interface MapFolder {
  mapsOf(stem: string): readonly { readonly method: string; readonly path: string }[];
}

export async function openMapFolder(folder: string): Promise<MapFolder> {
  const names = await readdir(folder).catch(() => {
    throw new VitreousError(`--maps: there is no folder ${folder}`);
  });
  const files = names.filter((name) => name.toLowerCase().endsWith(".npy")).sort();
  if (files.length === 0) throw new VitreousError(`--maps: ${folder} holds no .npy files`);
  return {
    mapsOf(stem) {
      return files.flatMap((file) => {
        const bare = file.slice(0, -".npy".length);
        if (bare === stem) return [{ method: "maps", path: join(folder, file) }];
        return bare.startsWith(`${stem}.`)
          ? [{ method: `maps:${bare.slice(stem.length + 1)}`, path: join(folder, file) }]
          : [];
      });
    },
  };
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

/** @file Pictures and heat maps small enough that a page may hold hundreds of them. */

import sharp from "sharp";
import { sha256OfBytes } from "../../../api/node/sha256.js";
import { minMax } from "../../../explain/map.js";
import type { RgbImage } from "../../../imaging/image.js";
import { decodeImage } from "../../../imaging/node/decode.js";
import { readBytes } from "../../../imaging/node/file-error.js";
import { differenceLayer, heatLayer } from "../../../imaging/overlay.js";
import { displayImage } from "../../../imaging/preprocess.js";
import { VitreousError } from "../../../onnx/errors.js";
import type { PlannedImage } from "../../../study/plan/plan.js";
import type { CheckpointFacts, StudyMap } from "../../../study/run/types.js";
import { withoutFolders } from "../paths.js";

export interface Pictures {
  /** Why the picture cannot be shown; null where it can. */
  readonly missing: string | null;
  /** The image as the model gets it, as a data: URI; null where there is none. */
  seenBy(facts: Pick<CheckpointFacts, "preprocessing">): Promise<string | null>;
  heat(map: Pick<StudyMap, "atImageSize" | "size">): Promise<string>;
  /** What the first map has more than the second, and the other way round. */
  difference(
    first: Pick<StudyMap, "atImageSize" | "size">,
    second: Pick<StudyMap, "atImageSize">,
  ): Promise<string>;
}

/** Longer sides are made smaller: a page shows maps side by side. */
const MOST_PIXELS = 256;

export async function picturesOf({ path, sha256 }: PlannedImage): Promise<Pictures> {
  const read = await readPicture(path, sha256);
  const made = new Map<string, Promise<string | null>>();
  return {
    missing: "missing" in read ? read.missing : null,
    async seenBy({ preprocessing }) {
      if ("missing" in read) return null;
      const key = JSON.stringify([preprocessing.channels, preprocessing.resize, preprocessing.crop]);
      const found = made.get(key) ?? encoded(displayImage(read.image, preprocessing), 3);
      made.set(key, found);
      return found;
    },
    heat({ atImageSize, size: [height, width] }) {
      return encoded({ data: heatLayer(minMax(atImageSize())), width, height }, 4);
    },
    difference({ atImageSize, size: [height, width] }, second) {
      return encoded(
        { data: differenceLayer(minMax(atImageSize()), minMax(second.atImageSize())), width, height },
        4,
      );
    },
  };
}

/** The picture, as long as it is still the one that was computed on. */
async function readPicture(
  path: string,
  sha256: string,
): Promise<{ readonly image: RgbImage } | { readonly missing: string }> {
  try {
    const bytes = await readBytes(path);
    if (sha256OfBytes(bytes) !== sha256)
      return { missing: "The image file has changed since it was computed on; it is not shown." };
    return { image: await decodeImage(bytes, path) };
  } catch (error) {
    if (!(error instanceof VitreousError)) throw error;
    return { missing: `The image is not shown: ${withoutFolders(error.message, [path])}` };
  }
}

async function encoded({ data, width, height }: RgbImage, channels: 3 | 4): Promise<string> {
  const webp = await sharp(data, { raw: { width, height, channels } })
    .resize({ width: MOST_PIXELS, height: MOST_PIXELS, fit: "inside", withoutEnlargement: true })
    .webp({ quality: 78, alphaQuality: 80 })
    .toBuffer();
  return `data:image/webp;base64,${webp.toString("base64")}`;
}

/**
 * @file A picture made very small and grey, as a look at it needs: decoded at the least size that will do, and without
 * failing at the damage that a file may have further down.
 */
import sharp, { type Sharp } from "sharp";
import { readBmp } from "../bmp.js";
import { MOST_PIXELS } from "./decode.js";
import { sniff } from "./sniff.js";

/**
 * Brightness (ITU-R BT.601) of `side` × `side` pixels, row by row, whatever the picture's own shape.
 *
 * @param name How messages call it.
 * @returns undefined where nothing of the picture can be decoded.
 */
export async function greyThumbnail(
  bytes: Uint8Array,
  name: string,
  side: number,
): Promise<Uint8Array | undefined> {
  try {
    const { data } = await opened(bytes, name)
      .removeAlpha()
      .toColourspace("srgb")
      .resize(side, side, { fit: "fill", kernel: "linear" })
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return Uint8Array.from({ length: side * side }, (_, i) => {
      const [r = 0, g = 0, b = 0] = data.subarray(3 * i, 3 * i + 3);
      return Math.round(0.299 * r + 0.587 * g + 0.114 * b);
    });
  } catch {
    // Why it cannot be decoded is said where its pixels are needed.
    return undefined;
  }
}

function opened(bytes: Uint8Array, name: string): Sharp {
  if (sniff(bytes, name) === "BMP") {
    const { data, width, height } = readBmp(bytes, name, MOST_PIXELS);
    return sharp(data, { raw: { width, height, channels: 3 } });
  }
  return sharp(bytes, { failOn: "none", ignoreIcc: true, limitInputPixels: MOST_PIXELS }).autoOrient();
}

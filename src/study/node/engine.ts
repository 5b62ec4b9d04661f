/** @file What in the software changes numbers: part of every unit's key, so that another version's results are not mixed in. */
import { env } from "onnxruntime-node";
import sharp from "sharp";
import { VERSION } from "../../version.js";

/** Raised when a change within a version makes other numbers than before, so that none are kept that would differ. */
const NUMBERS = "1";

export function engineVersions(): Readonly<Record<string, string>> {
  return {
    vitreous: VERSION,
    numbers: NUMBERS,
    onnxruntime: env.versions.node ?? env.versions.common,
    sharp: sharp.versions.sharp ?? "",
    vips: sharp.versions.vips,
  };
}

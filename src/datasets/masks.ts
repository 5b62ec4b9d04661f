/**
 * @file Segmentations, read on request: several masks of one picture are merged by union, and a mask without a
 * single marked pixel is reported as such, because localisation is undefined there.
 */
import { decodeImage } from "../imaging/node/decode.js";
import { VitreousError } from "../onnx/errors.js";

export interface Mask {
  /** 1 inside, 0 outside; row-major [height, width]. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Marked pixels. 0: localisation is undefined for this picture; leave it out and count it. */
  readonly area: number;
}

/** The union of the masks: a pixel is inside where any of them is brighter than half of white. */
export async function readMask(paths: readonly string[]): Promise<Mask> {
  const [first, ...rest] = paths;
  if (first === undefined) throw new VitreousError("A mask needs at least one file.");
  const base = await decodeImage(first);
  const { width, height } = base;
  const data = new Uint8Array(width * height);
  const merge = (pixels: Uint8Array): void => {
    for (let i = 0; i < data.length; i++) if ((pixels[i * 3] as number) > 127) data[i] = 1;
  };
  merge(base.data);
  for (const path of rest) {
    const other = await decodeImage(path);
    if (other.width !== width || other.height !== height) {
      throw new VitreousError(
        `${path} is ${other.width}×${other.height} pixels, but ${first}, a mask of the same image, is ${width}×${height}.`,
      );
    }
    merge(other.data);
  }
  return { data, width, height, area: data.reduce((a, b) => a + b, 0) };
}

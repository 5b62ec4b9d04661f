/**
 * @file The picture every part of this room speaks of: 8-bit RGB, as Pillow's convert("RGB") would give it.
 */
import { VitreousError } from "../onnx/errors.js";

/** 8-bit RGB, row-major, interleaved: `data.length === width * height * 3`. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Throws unless the buffer has the length its sides promise. */
export function checkImage(image: RgbImage): void {
  const { width, height, data } = image;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new VitreousError(
      `An image of ${width}×${height} pixels has no area; both sides must be at least 1.`,
    );
  }
  if (data.length !== width * height * 3) {
    throw new VitreousError(
      `An RGB image of ${width}×${height} pixels needs ${width * height * 3} bytes, but ${data.length} were given.`,
    );
  }
}

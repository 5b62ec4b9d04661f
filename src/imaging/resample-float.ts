/**
 * @file Resizing without rounding to 8 bits, for processors that rescale first: torch's antialiased interpolation of
 * float tensors, which uses Pillow's weights in real arithmetic.
 */
import {
  type Coefficients,
  coefficients,
  type Interpolation,
  inputRange,
  nearestIndices,
  type Range,
} from "./filters.js";
import { checkImage, type RgbImage } from "./image.js";
import type { Window } from "./resample.js";

/** Weights of one axis, where nearest is one neighbour of weight 1. */
function table(input: number, output: number, kind: Interpolation, wanted: Range): Coefficients {
  if (kind !== "nearest" && input !== output) return coefficients(input, output, kind, wanted);
  const start = nearestIndices(input, output, wanted, "torch");
  const { length } = start;
  return {
    length,
    size: 1,
    start,
    count: new Int32Array(length).fill(1),
    weights: new Float64Array(length).fill(1),
  };
}

/** Pixels [height, width, 3] of the resized window, as real numbers on the scale of the picture's (0…255). */
export function resampleFloat(
  image: RgbImage,
  width: number,
  height: number,
  interpolation: Interpolation,
  window: Window = { left: 0, top: 0, width, height },
): Float32Array {
  checkImage(image);
  const across = table(image.width, width, interpolation, {
    from: window.left,
    to: window.left + window.width,
  });
  const down = table(image.height, height, interpolation, {
    from: window.top,
    to: window.top + window.height,
  });
  const rows = inputRange(down);
  const stride = across.length * 3;
  const half = new Float32Array(stride * (rows.to - rows.from));
  for (let y = rows.from, o = 0; y < rows.to; y++) {
    for (let x = 0; x < across.length; x++) {
      const first = (y * image.width + (across.start[x] as number)) * 3;
      for (let c = 0; c < 3; c++, o++) {
        let sum = 0;
        for (let j = 0; j < (across.count[x] as number); j++) {
          sum += (across.weights[x * across.size + j] as number) * (image.data[first + j * 3 + c] as number);
        }
        half[o] = sum;
      }
    }
  }
  const out = new Float32Array(stride * down.length);
  for (let y = 0; y < down.length; y++) {
    const first = ((down.start[y] as number) - rows.from) * stride;
    for (let i = 0; i < stride; i++) {
      let sum = 0;
      for (let j = 0; j < (down.count[y] as number); j++) {
        sum += (down.weights[y * down.size + j] as number) * (half[first + j * stride + i] as number);
      }
      out[y * stride + i] = sum;
    }
  }
  return out;
}

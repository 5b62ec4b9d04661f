/** @file Which part of a picture is shown and how it lies: where every random change begins. */
import type { RgbImage } from "../../imaging/image.js";
import type { Preprocessing } from "../../imaging/preprocessing.js";
import { randomCrop, resizedCrop } from "./crop.js";
import type { Draw } from "./draws.js";
import { type Orientation, orient } from "./orientation.js";

/**
 * A random crop at [height, width], in a given orientation. It is resized with the model's own filter, in 8 bits even
 * where the model's preprocessing resizes real numbers.
 */
export function randomView(
  image: RgbImage,
  [height, width]: readonly [number, number],
  p: Preprocessing,
  {
    crop,
    orientation,
  }: {
    readonly crop: { readonly scale: readonly [number, number]; readonly ratio: readonly [number, number] };
    readonly orientation: Orientation;
  },
  next: Draw,
): RgbImage {
  // A quarter turn exchanges the sides.
  const size = orientation.turns % 2 === 1 ? ([width, height] as const) : ([height, width] as const);
  const kind = p.resize?.interpolation ?? "bilinear";
  const arithmetic = p.resizeOn === "torch-pixels" ? "torch" : "pillow";
  const window = randomCrop(image, crop, next);
  return orient(resizedCrop(image, window, size, kind, arithmetic), orientation);
}

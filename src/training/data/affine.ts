/**
 * @file Affine transforms of 8-bit pictures (turns by any angle, shears, shifts): Pillow's Image.transform with bilinear
 * sampling; what comes from outside is black.
 *
 * Source: Pillow, src/libImaging/Geometry.c (bilinear filter); torchvision.transforms.functional.affine (matrices).
 */
import type { RgbImage } from "../../imaging/image.js";

/** Where output pixels come from: x' = a·x + b·y + c, y' = d·x + e·y + f, in pixels from the picture's corner. */
export type AffineMap = readonly [number, number, number, number, number, number];

/** A linear map of the output about the picture's centre, then a shift of the source by (dx, dy) pixels. */
export function aboutCentre(
  { width, height }: { readonly width: number; readonly height: number },
  [a, b, d, e]: readonly [number, number, number, number],
  dx = 0,
  dy = 0,
): AffineMap {
  const [x, y] = [width / 2, height / 2];
  return [a, b, x - a * x - b * y + dx, d, e, y - d * x - e * y + dy];
}

/** The picture of the same size whose pixels come from where `map` says. */
export function affine(image: RgbImage, [a, b, c, d, e, f]: AffineMap): RgbImage {
  const { data, width, height } = image;
  const out = new Uint8Array(data.length);
  let o = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++, o += 3) {
      const px = a * (column + 0.5) + b * (row + 0.5) + c;
      const py = d * (column + 0.5) + e * (row + 0.5) + f;
      if (!(px >= 0 && px < width && py >= 0 && py < height)) continue;
      const x = Math.floor(px - 0.5);
      const y = Math.floor(py - 0.5);
      const u = px - 0.5 - x;
      const v = py - 0.5 - y;
      const x0 = x < 0 ? 0 : x;
      const x1 = x + 1 < width ? x + 1 : width - 1;
      const top = (y < 0 ? 0 : y) * width;
      const bottom = (y + 1 < height ? y + 1 : height - 1) * width;
      for (let k = 0; k < 3; k++) {
        const p = data[(top + x0) * 3 + k] as number;
        const q = data[(bottom + x0) * 3 + k] as number;
        const above = p + ((data[(top + x1) * 3 + k] as number) - p) * u;
        const beneath = q + ((data[(bottom + x1) * 3 + k] as number) - q) * u;
        out[o + k] = above + (beneath - above) * v;
      }
    }
  }
  return { data: out, width, height };
}

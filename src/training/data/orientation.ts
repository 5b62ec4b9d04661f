/**
 * @file Flips and right-angle turns: the eight ways to lay a picture on a table, in one pass over its pixels and
 * without any resampling.
 */
import type { RgbImage } from "../../imaging/image.js";
import { below, type Draw } from "./draws.js";

/** Applied in this order: the turn, then the flips. */
export interface Orientation {
  /** Quarter turns counter-clockwise, as Pillow's ROTATE_90. */
  readonly turns: 0 | 1 | 2 | 3;
  /** Left and right are exchanged. */
  readonly horizontal: boolean;
  /** Up and down are exchanged. */
  readonly vertical: boolean;
}

const TURNS = [0, 1, 2, 3] as const;

/** Always draws three numbers. */
export function randomOrientation(
  options: {
    readonly horizontalFlip: number;
    readonly verticalFlip: number;
    readonly rightAngles: boolean;
  },
  next: Draw,
): Orientation {
  const horizontal = next() < options.horizontalFlip;
  const vertical = next() < options.verticalFlip;
  const turn = below(next, 4);
  return { turns: options.rightAngles ? (TURNS[turn] ?? 0) : 0, horizontal, vertical };
}

/** The picture in another orientation; the same object where nothing changes. */
export function orient(image: RgbImage, { turns, horizontal, vertical }: Orientation): RgbImage {
  if (turns === 0 && !horizontal && !vertical) return image;
  const { data, width: w, height: h } = image;
  const [width, height] = turns % 2 === 1 ? [h, w] : [w, h];
  // Where the output's first pixel comes from, and how far apart its neighbours to the right and below are there.
  const [start, right, down] = (
    [
      [0, 1, w],
      [w - 1, w, -1],
      [w * h - 1, -1, -w],
      [w * (h - 1), -w, 1],
    ] as const
  )[turns];
  const first = start + (horizontal ? right * (width - 1) : 0) + (vertical ? down * (height - 1) : 0);
  const across = (horizontal ? -right : right) * 3;
  const along = (vertical ? -down : down) * 3;
  const out = new Uint8Array(data.length);
  let o = 0;
  for (let y = 0; y < height; y++) {
    let p = first * 3 + y * along;
    for (let x = 0; x < width; x++) {
      out[o] = data[p] as number;
      out[o + 1] = data[p + 1] as number;
      out[o + 2] = data[p + 2] as number;
      o += 3;
      p += across;
    }
  }
  return { data: out, width, height };
}

/**
 * @file From a map on the token grid to one at image size, in [0, 1]. The scaling is the method's own and part of
 * what is published; resizing is bilinear with half-pixel centres, as torch's align_corners=False.
 */
import { resizeMap } from "../imaging/resize-map.js";
import type { TokenMap } from "./method.js";

const EPSILON = 1e-7;

/**
 * (M − min)/(1e-7 + max after subtracting min), as pytorch-grad-cam; a constant map becomes 0. Maps of every method are
 * shown like this: where all of one lies near its maximum, as Swin's rollouts do, colours would else not say where.
 */
export function minMax(values: Float32Array): Float32Array {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const v of values) {
    if (v < min) min = v;
    if (v > max) max = v;
  }
  return values.map((v) => (v - min) / (EPSILON + (max - min)));
}

/** M/max; a map that is nowhere positive becomes 0. */
export function overMax(values: Float32Array): Float32Array {
  let max = 0;
  for (const v of values) if (v > max) max = v;
  return max > 0 ? values.map((v) => v / max) : new Float32Array(values.length);
}

/** The map at image size [height, width], in [0, 1]. */
export function imageMap(
  map: TokenMap,
  scaling: "min-max" | "max",
  size: readonly [number, number],
): Float32Array {
  if (scaling === "max") return resizeMap(overMax(map.values), map.grid, size);
  return minMax(resizeMap(minMax(map.values), map.grid, size));
}

/** The mean of several layers' maps, each scaled to [0, 1] first, on the finest of their grids; one map stays as it is. */
export function averageMaps(maps: readonly TokenMap[]): TokenMap {
  const [first, ...rest] = maps;
  if (first === undefined) throw new RangeError("no maps to average");
  if (rest.length === 0) return first;
  const finest = maps.reduce((a, b) => (b.values.length > a.values.length ? b : a));
  const sum = new Float32Array(finest.values.length);
  for (const map of maps) {
    const scaled = resizeMap(minMax(map.values), map.grid, finest.grid);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (scaled[i] ?? 0) / maps.length;
  }
  return { grid: finest.grid, values: sum };
}

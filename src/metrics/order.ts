/**
 * @file In which order pixels are deleted or inserted. Rectified maps are flat, so ties decide much of an AUC:
 * the order here is stable (equal values in raster order) and the plateaus are known, so that the effect of
 * other tie orders can be measured instead of ignored.
 */
import { shuffle, uniform } from "../random.js";

export interface PixelOrder {
  /** Pixel indices (row-major), most important first. */
  readonly pixels: Int32Array;
  /** Boundaries of runs of equal importance: pixels[runs[k], runs[k+1]) tie. Starts with 0, ends with the pixel count. */
  readonly runs: Int32Array;
}

/** Descending order of `values`, equal values lowest index first. Values must be finite. */
export function stableDescending(values: Float32Array): Int32Array {
  const keys = new Uint32Array(values.length);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < values.length; i++) {
    // −0 and 0 tie; then the usual trick makes float order integer order, complemented for descending.
    const b = values[i] === 0 ? 0 : (bits[i] ?? 0);
    keys[i] = ~(b & 0x80000000 ? ~b : b | 0x80000000);
  }
  return radixSort(keys);
}

/** Stable least-significant-digit radix sort by 11-bit digits: three passes whatever the content. */
function radixSort(keys: Uint32Array): Int32Array {
  const n = keys.length;
  let from = new Int32Array(n);
  let to = new Int32Array(n);
  for (let i = 0; i < n; i++) from[i] = i;
  const counts = new Int32Array(2049);
  for (const shift of [0, 11, 22]) {
    counts.fill(0);
    for (let i = 0; i < n; i++) {
      const digit = (((keys[i] ?? 0) >>> shift) & 2047) + 1;
      counts[digit] = (counts[digit] ?? 0) + 1;
    }
    for (let d = 1; d <= 2048; d++) counts[d] = (counts[d] ?? 0) + (counts[d - 1] ?? 0);
    for (let i = 0; i < n; i++) {
      const index = from[i] ?? 0;
      const digit = ((keys[index] ?? 0) >>> shift) & 2047;
      const place = counts[digit] ?? 0;
      counts[digit] = place + 1;
      to[place] = index;
    }
    [from, to] = [to, from];
  }
  return from;
}

/** Pixels ranked one by one by the map at image size. */
export function pixelOrder(map: Float32Array): PixelOrder {
  const pixels = stableDescending(map);
  const runs = [0];
  for (let i = 1; i < pixels.length; i++) {
    if (map[pixels[i] ?? 0] !== map[pixels[i - 1] ?? 0]) runs.push(i);
  }
  runs.push(pixels.length);
  return { pixels, runs: Int32Array.from(runs) };
}

/**
 * Pixels ranked patch by patch on the token grid, by the mean of the map over the patch; raster order within a
 * patch. Cell (i, j) spans rows ⌊iH/h⌋…⌊(i+1)H/h⌋, so sizes that do not divide evenly still partition the image.
 */
export function patchOrder(
  map: Float32Array,
  size: readonly [number, number],
  grid: readonly [number, number],
): PixelOrder {
  const [height, width] = size;
  const [rows, columns] = grid;
  const cells: Int32Array[] = [];
  const means = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const members: number[] = [];
      let sum = 0;
      for (let y = Math.floor((i * height) / rows); y < Math.floor(((i + 1) * height) / rows); y++) {
        for (let x = Math.floor((j * width) / columns); x < Math.floor(((j + 1) * width) / columns); x++) {
          members.push(y * width + x);
          sum += map[y * width + x] ?? 0;
        }
      }
      means[cells.length] = members.length > 0 ? sum / members.length : 0;
      cells.push(Int32Array.from(members));
    }
  }
  const pixels = new Int32Array(map.length);
  const runs = [0];
  let place = 0;
  let previous = Number.NaN;
  for (const cell of stableDescending(means)) {
    if (place > 0 && means[cell] !== previous) runs.push(place);
    previous = means[cell] ?? 0;
    const members = cells[cell] ?? new Int32Array(0);
    pixels.set(members, place);
    place += members.length;
  }
  runs.push(place);
  return { pixels, runs: Int32Array.from(runs) };
}

/** The same order with every run of ties shuffled. */
export function shuffleTies(order: PixelOrder, seed: number): PixelOrder {
  const pixels = order.pixels.slice();
  const next = uniform(seed);
  for (let k = 0; k + 1 < order.runs.length; k++) {
    shuffle(pixels, order.runs[k] ?? 0, order.runs[k + 1] ?? 0, next);
  }
  return { pixels, runs: order.runs };
}

/** Share of pixels whose importance equals another pixel's, in [0, 1]. */
export function tiedFraction(order: PixelOrder): number {
  let tied = 0;
  for (let k = 0; k + 1 < order.runs.length; k++) {
    const length = (order.runs[k + 1] ?? 0) - (order.runs[k] ?? 0);
    if (length > 1) tied += length;
  }
  return order.pixels.length === 0 ? 0 : tied / order.pixels.length;
}

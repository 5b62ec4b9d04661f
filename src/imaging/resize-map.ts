/**
 * @file Heat maps from the token grid to the image: bilinear with half-pixel centres, the convention of
 * torch's interpolate(mode="bilinear", align_corners=False).
 */
import { VitreousError } from "../onnx/errors.js";

/** For each output position: the lower neighbour, the upper neighbour, and the weight of the upper. */
function axis(input: number, output: number): { low: Int32Array; high: Int32Array; weight: Float64Array } {
  const scale = input / output;
  const low = new Int32Array(output);
  const high = new Int32Array(output);
  const weight = new Float64Array(output);
  for (let i = 0; i < output; i++) {
    const position = Math.max(0, (i + 0.5) * scale - 0.5);
    const below = Math.min(input - 1, Math.trunc(position));
    low[i] = below;
    high[i] = Math.min(input - 1, below + 1);
    weight[i] = position - below;
  }
  return { low, high, weight };
}

/**
 * A map of shape `from` = [h, w] resized to `to` = [H, W]. No antialiasing when it shrinks, as torch.
 *
 * @throws VitreousError when `values` has not h·w numbers, or a side is not a positive integer.
 */
export function resizeMap(
  values: ArrayLike<number>,
  from: readonly [number, number],
  to: readonly [number, number],
): Float32Array {
  const [h, w] = from;
  const [H, W] = to;
  for (const side of [h, w, H, W]) {
    if (!Number.isInteger(side) || side < 1) {
      throw new VitreousError(
        `A map cannot be resized from ${h}×${w} to ${H}×${W}; sides must be at least 1.`,
      );
    }
  }
  if (values.length !== h * w) {
    throw new VitreousError(`A map of ${h}×${w} needs ${h * w} values, but ${values.length} were given.`);
  }
  const rows = axis(h, H);
  const columns = axis(w, W);
  const out = new Float32Array(H * W);
  for (let y = 0; y < H; y++) {
    const upper = (rows.low[y] as number) * w;
    const lower = (rows.high[y] as number) * w;
    const wy = rows.weight[y] as number;
    for (let x = 0; x < W; x++) {
      const l = columns.low[x] as number;
      const r = columns.high[x] as number;
      const wx = columns.weight[x] as number;
      const top = (values[upper + l] as number) * (1 - wx) + (values[upper + r] as number) * wx;
      const bottom = (values[lower + l] as number) * (1 - wx) + (values[lower + r] as number) * wx;
      out[y * W + x] = top * (1 - wy) + bottom * wy;
    }
  }
  return out;
}

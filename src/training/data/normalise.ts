/** @file 8-bit pictures as the numbers that a model takes. */
import type { RgbImage } from "../../imaging/image.js";
import type { Preprocessing } from "../../imaging/preprocessing.js";
import { luma } from "./jitter.js";

/** Writes (v·rescale − mean) / std as float32 [channels, height, width]; grey is Pillow's convert("L"). */
export function normaliseInto(out: Float32Array, { data }: RgbImage, p: Preprocessing): void {
  const tables = p.mean.map((mean, c) =>
    Float32Array.from({ length: 256 }, (_, v) => (v * p.rescale - mean) / (p.std[c] as number)),
  );
  const area = data.length / 3;
  const [r, g = r, b = r] = tables;
  if (!r || !g || !b) return;
  if (p.channels === 1) {
    for (let i = 0, s = 0; i < area; i++, s += 3) {
      out[i] = r[luma(data[s] as number, data[s + 1] as number, data[s + 2] as number)] as number;
    }
    return;
  }
  for (let i = 0, s = 0; i < area; i++, s += 3) {
    out[i] = r[data[s] as number] as number;
    out[area + i] = g[data[s + 1] as number] as number;
    out[2 * area + i] = b[data[s + 2] as number] as number;
  }
}

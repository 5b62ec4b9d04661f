/**
 * @file Control maps. A score means something only against what a map that knows nothing gets: random, a centred
 * Gaussian, image edges, and the method's own map upside down.
 */

import { uniform } from "../random.js";
import type { ImageTensor } from "./metric.js";

/** Those that no method has a part in. */
export const CONTROLS = ["random", "center", "edge"] as const;
export type Control = (typeof CONTROLS)[number];

/** All of them. */
export const ALL_CONTROLS = [...CONTROLS, "inverted"] as const;
export type AnyControl = (typeof ALL_CONTROLS)[number];

/** A control map at image size, [height, width]; `inverted` needs a map and is invertedMap. */
export function controlMap(control: Control, image: ImageTensor, seed: number): Float32Array {
  if (control === "random") return randomMap(image.height * image.width, seed);
  if (control === "center") return centerMap(image.height, image.width);
  return edgeMap(image);
}

function randomMap(area: number, seed: number): Float32Array {
  const next = uniform(seed);
  return Float32Array.from({ length: area }, next);
}

/** A Gaussian at the centre, σ a quarter of the side: the prior that objects are in the middle. */
function centerMap(height: number, width: number): Float32Array {
  const map = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const dy = (y + 0.5 - height / 2) / (height / 4);
      const dx = (x + 0.5 - width / 2) / (width / 4);
      map[y * width + x] = Math.exp(-(dx * dx + dy * dy) / 2);
    }
  }
  return map;
}

/** Sobel gradient magnitude of the channels' mean, borders replicated. */
function edgeMap({ data, channels, height, width }: ImageTensor): Float32Array {
  const area = height * width;
  const gray = new Float32Array(area);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < area; i++) gray[i] = (gray[i] ?? 0) + (data[c * area + i] ?? 0);
  const at = (y: number, x: number): number =>
    gray[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))] ?? 0;
  const map = new Float32Array(area);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [a, b, c] = [at(y - 1, x - 1), at(y - 1, x), at(y - 1, x + 1)];
      const [d, f] = [at(y, x - 1), at(y, x + 1)];
      const [g, h, i] = [at(y + 1, x - 1), at(y + 1, x), at(y + 1, x + 1)];
      map[y * width + x] = Math.hypot(c + 2 * f + i - a - 2 * d - g, g + 2 * h + i - a - 2 * b - c);
    }
  }
  return map;
}

/** The map upside down: what the method calls least important comes first. */
export function invertedMap(map: Float32Array): Float32Array {
  return map.map((v) => -v);
}

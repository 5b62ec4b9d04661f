/** @file torchvision's functions that make a Swin, and the transforms of their default weights. */
import type { Size } from "../architecture.js";

export interface SwinPreset {
  readonly embed_dim: number;
  readonly depths: readonly number[];
  readonly num_heads: readonly number[];
  readonly window_size: Size;
  /** Shorter side of the default weights' pictures, and side of the square cut out of them, in pixels. */
  readonly resize: number;
  readonly crop: number;
}

const TINY = { embed_dim: 96, depths: [2, 2, 6, 2], num_heads: [3, 6, 12, 24] };
const SMALL = { ...TINY, depths: [2, 2, 18, 2] };
const BASE = { embed_dim: 128, depths: [2, 2, 18, 2], num_heads: [4, 8, 16, 32] };

export const SWIN_PRESETS: ReadonlyMap<string, SwinPreset> = new Map([
  ["swin_t", { ...TINY, window_size: [7, 7], resize: 232, crop: 224 }],
  ["swin_s", { ...SMALL, window_size: [7, 7], resize: 246, crop: 224 }],
  ["swin_b", { ...BASE, window_size: [7, 7], resize: 238, crop: 224 }],
  ["swin_v2_t", { ...TINY, window_size: [8, 8], resize: 260, crop: 256 }],
  ["swin_v2_s", { ...SMALL, window_size: [8, 8], resize: 260, crop: 256 }],
  ["swin_v2_b", { ...BASE, window_size: [8, 8], resize: 272, crop: 256 }],
]);

export const swinPreset = (name: string): SwinPreset | undefined => SWIN_PRESETS.get(name);

/** @file torchvision's functions that make a ViT: what shapes of tensors do not tell, and how their weights' pictures are prepared. */
import type { Interpolation } from "../../imaging/filters.js";

/** Shorter side and centre crop, in pixels. */
export interface Transform {
  readonly resize: number;
  readonly crop: number;
  readonly interpolation: Interpolation;
}

export interface Preset {
  readonly num_heads: number;
  /** Of all published weights, the default ones first. */
  readonly transforms: readonly [Transform, ...Transform[]];
}

const plain = (resize: number): Transform => ({ resize, crop: 224, interpolation: "bilinear" });

/** SWAG's weights (Singh et al. 2022) take the whole shorter side. */
const swag = (side: number): Transform => ({ resize: side, crop: side, interpolation: "bicubic" });

/** torchvision.models.vision_transformer: ViT_B_16_Weights and its like. */
export const PRESETS = {
  vit_b_16: { num_heads: 12, transforms: [plain(256), swag(384)] },
  vit_b_32: { num_heads: 12, transforms: [plain(256)] },
  vit_l_16: { num_heads: 16, transforms: [plain(242), swag(512)] },
  vit_l_32: { num_heads: 16, transforms: [plain(256)] },
  vit_h_14: { num_heads: 16, transforms: [swag(518), swag(224)] },
} as const satisfies Readonly<Record<string, Preset>>;

export const presetOf = (name: string): Preset | undefined =>
  Object.hasOwn(PRESETS, name) ? PRESETS[name as keyof typeof PRESETS] : undefined;

/**
 * @file Hugging Face's image processor classes: what each fills in for settings that a preprocessor_config.json leaves
 * out, and which class a model type has where the file does not even name one.
 *
 * Source: transformers 5, models/<model>/image_processing_<model>.py and auto/image_processing_auto.py.
 */
import type { Interpolation } from "./filters.js";
import { HALF, IMAGENET_MEAN, IMAGENET_STD } from "./preprocessing.js";

const CLIP_MEAN: readonly number[] = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD: readonly number[] = [0.26862954, 0.26130258, 0.27577711];

export type ProcessorSize =
  | { readonly height: number; readonly width: number }
  | { readonly shortestEdge: number };

/** A class's defaults, and what it does with its size. */
export interface Processor {
  readonly resample: Interpolation;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly size: ProcessorSize;
  readonly crop?: number;
  /** An integer "size" means the shorter edge (else both sides). */
  readonly integerIsEdge?: boolean;
  readonly doCrop?: boolean;
  readonly cropPct?: number;
  /** It rescales before it resizes. */
  readonly rescalesFirst?: boolean;
  /** "convnext": crop_pct below 384 pixels; "poolformer": crop_pct always; "levit": edge·256/224. */
  readonly sizing?: "convnext" | "poolformer" | "levit";
}

export const square = (size: number): ProcessorSize => ({ height: size, width: size });

const clip: Processor = {
  resample: "bicubic",
  mean: CLIP_MEAN,
  std: CLIP_STD,
  size: { shortestEdge: 224 },
  crop: 224,
  integerIsEdge: true,
  doCrop: true,
};
const imagenet = { mean: IMAGENET_MEAN, std: IMAGENET_STD };

/** What settings of an unknown class are read as. */
export const VIT: Processor = { resample: "bilinear", mean: HALF, std: HALF, size: square(224) };

/** By class name without "ImageProcessor", "FeatureExtractor", "Fast" and "Pil". */
export const PROCESSORS: Readonly<Record<string, Processor>> = {
  ViT: VIT,
  DeiT: { ...VIT, resample: "bicubic", size: square(256), crop: 224, doCrop: true },
  Beit: { ...VIT, resample: "bicubic", crop: 224 },
  Bit: clip,
  CLIP: clip,
  ChineseCLIP: clip,
  Siglip: { ...VIT, resample: "bicubic", integerIsEdge: true },
  Pvt: { ...VIT, ...imagenet, resample: "bicubic" },
  DINOv3ViT: { ...VIT, ...imagenet, rescalesFirst: true },
  ConvNext: {
    ...VIT,
    resample: "bicubic",
    size: { shortestEdge: 384 },
    integerIsEdge: true,
    cropPct: 224 / 256,
    sizing: "convnext",
  },
  PoolFormer: {
    ...imagenet,
    resample: "bicubic",
    size: { shortestEdge: 224 },
    crop: 224,
    integerIsEdge: true,
    doCrop: true,
    cropPct: 0.9,
    sizing: "poolformer",
  },
  Levit: {
    ...imagenet,
    resample: "bicubic",
    size: { shortestEdge: 224 },
    crop: 224,
    integerIsEdge: true,
    doCrop: true,
    sizing: "levit",
  },
};

/** By config.json's model_type. */
export const PROCESSOR_OF_MODEL: Readonly<Record<string, string>> = {
  beit: "Beit",
  bit: "Bit",
  clip: "CLIP",
  convnext: "ConvNext",
  convnextv2: "ConvNext",
  cvt: "ConvNext",
  "data2vec-vision": "Beit",
  deit: "DeiT",
  dinov2: "Bit",
  dinov3_vit: "DINOv3ViT",
  focalnet: "Bit",
  hiera: "Bit",
  ijepa: "ViT",
  levit: "Levit",
  poolformer: "PoolFormer",
  pvt: "Pvt",
  pvt_v2: "Pvt",
  siglip: "Siglip",
  swin: "ViT",
  swinv2: "ViT",
  vit: "ViT",
  vit_mae: "ViT",
  vit_msn: "ViT",
};

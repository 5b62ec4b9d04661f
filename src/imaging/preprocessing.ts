/**
 * @file How a picture becomes what a model was trained on, as a plain record: it is read from any of the formats
 * that say so, stored with the results, and written into the model's metadata. Nothing here touches pixels.
 */
import type { Interpolation } from "./filters.js";

/** How the picture is brought to size, before any crop. Sizes in pixels. */
export type Resize =
  /** To [height, width], whatever the aspect ratio was. */
  | {
      readonly mode: "exact";
      readonly height: number;
      readonly width: number;
      readonly interpolation: Interpolation;
    }
  /** The shorter side to `size`, the longer to int(size·long/short): torchvision's and transformers' rule. */
  | { readonly mode: "shortest-edge"; readonly size: number; readonly interpolation: Interpolation }
  /** Aspect kept, rounded, so that [height, width] is just covered ("cover") or just not exceeded ("contain"): timm. */
  | {
      readonly mode: "cover" | "contain";
      readonly height: number;
      readonly width: number;
      readonly interpolation: Interpolation;
    };

/** A window of [height, width] at the centre. What lies outside of the picture is filled with `fill`. */
export interface Crop {
  readonly height: number;
  readonly width: number;
  /** Of half a pixel: torchvision and timm round to even, transformers downwards. */
  readonly rounding: "half-even" | "down";
  /** 8-bit RGB. */
  readonly fill: readonly [number, number, number];
}

/** value = (pixel·rescale − mean[c]) / std[c], after resize and crop. */
export interface Preprocessing {
  /** 1: the picture is turned to grey (ITU-R 601 luma, as Pillow's convert("L")) before anything else. */
  readonly channels: 1 | 3;
  readonly resize: Resize | null;
  readonly crop: Crop | null;
  /** "rescaled": resampled as real numbers after rescaling, without rounding to 8 bits (DINOv3's processor). */
  readonly resizeOn: "pixels" | "rescaled";
  readonly rescale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Where it was read from, for people: "preprocessor_config.json", "ImageNet's default". */
  readonly source: string;
  /** What a person should be told before trusting it; empty when all was stated. */
  readonly warnings: readonly string[];
}

export const IMAGENET_MEAN: readonly number[] = [0.485, 0.456, 0.406];
export const IMAGENET_STD: readonly number[] = [0.229, 0.224, 0.225];
export const HALF: readonly number[] = [0.5, 0.5, 0.5];
export const BLACK: readonly [number, number, number] = [0, 0, 0];

/** [height, width] that every picture gets, or undefined when it depends on the picture. */
export function outputSize(p: Preprocessing): readonly [number, number] | undefined {
  if (p.crop) return [p.crop.height, p.crop.width];
  if (p.resize?.mode === "exact") return [p.resize.height, p.resize.width];
  return undefined;
}

/** torchvision's weights' evaluation transform: shorter side to `resize`, centre crop, ImageNet's mean and std. */
export function torchvisionPreprocessing(
  resize: number,
  crop: number | readonly [number, number],
  interpolation: Interpolation = "bilinear",
): Preprocessing {
  const [height, width] = typeof crop === "number" ? [crop, crop] : crop;
  return {
    channels: 3,
    resize: { mode: "shortest-edge", size: resize, interpolation },
    crop: { height, width, rounding: "half-even", fill: BLACK },
    resizeOn: "pixels",
    rescale: 1 / 255,
    mean: IMAGENET_MEAN,
    std: IMAGENET_STD,
    source: "torchvision's ImageNet evaluation transform",
    warnings: [],
  };
}

/**
 * What most ImageNet models want, for a model of [height, width] that says nothing: the shorter side to size/0.875
 * (bicubic), centre crop, ImageNet's mean and std. It is a guess, so it carries a warning.
 */
export function defaultPreprocessing(size: readonly [number, number], channels: 1 | 3 = 3): Preprocessing {
  const [height, width] = size;
  const scaled = [Math.floor(height / 0.875), Math.floor(width / 0.875)] as const;
  const interpolation = "bicubic";
  const luma = (v: readonly number[]) =>
    0.299 * (v[0] as number) + 0.587 * (v[1] as number) + 0.114 * (v[2] as number);
  return {
    channels,
    resize:
      height === width
        ? { mode: "shortest-edge", size: scaled[0], interpolation }
        : { mode: "cover", height: scaled[0], width: scaled[1], interpolation },
    crop: { height, width, rounding: "half-even", fill: BLACK },
    resizeOn: "pixels",
    rescale: 1 / 255,
    mean: channels === 3 ? IMAGENET_MEAN : [luma(IMAGENET_MEAN)],
    std: channels === 3 ? IMAGENET_STD : [luma(IMAGENET_STD)],
    source: "ImageNet's default",
    warnings: [
      `nothing says how this model's images are prepared; ImageNet's default is used (shorter side to ${scaled[0]}, centre crop ${height}×${width}, ImageNet's mean and std): give the right one with --preprocess FILE.`,
    ],
  };
}

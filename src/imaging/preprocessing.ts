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
  /** Of half a pixel: torchvision and timm round to even, transformers to zero, over Pillow downwards. */
  readonly rounding: "half-even" | "to-zero" | "down";
  /** 8-bit RGB. */
  readonly fill: readonly [number, number, number];
  /** Side of the crop over the side that is resized to, where the source states it; that side is rounded down. */
  readonly fraction?: number | undefined;
}

/** value = (pixel·rescale − mean[c]) / std[c], after resize and crop. */
export interface Preprocessing {
  /**
   * 1: the picture is turned to grey (ITU-R 601 luma, as Pillow's convert("L")) before anything else. 3: RGB. Any other
   * number is of images that are no pictures: only tensors can be such.
   */
  readonly channels: number;
  readonly resize: Resize | null;
  readonly crop: Crop | null;
  /**
   * "pixels": 8 bits, as Pillow. "torch-pixels": 8 bits, as torch (transformers' processors). "rescaled": as real numbers
   * after rescaling, without rounding to 8 bits (DINOv3's processor).
   */
  readonly resizeOn: "pixels" | "torch-pixels" | "rescaled";
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

/** Aspect kept, [height, width] just covered: torchvision's shorter side where both are equal, as timm has it. */
export function covering(height: number, width: number, interpolation: Interpolation): Resize {
  return height === width
    ? { mode: "shortest-edge", size: height, interpolation }
    : { mode: "cover", height, width, interpolation };
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

const FRACTION = 0.875;

/**
 * What most ImageNet models want, for a model of [height, width] that says nothing: the shorter side to size/0.875
 * (bicubic), centre crop, ImageNet's mean and std. It is a guess, so it carries a warning.
 */
export function defaultPreprocessing(size: readonly [number, number], channels: 1 | 3 = 3): Preprocessing {
  const [height, width] = size;
  const scaled = [Math.floor(height / FRACTION), Math.floor(width / FRACTION)] as const;
  const interpolation = "bicubic";
  const luma = (v: readonly number[]) =>
    0.299 * (v[0] as number) + 0.587 * (v[1] as number) + 0.114 * (v[2] as number);
  return {
    channels,
    resize: covering(...scaled, interpolation),
    crop: { height, width, rounding: "half-even", fill: BLACK, fraction: FRACTION },
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

/**
 * The same preparation for pictures of another [height, width]: the same crop fraction, way of resizing and filter, as
 * timm does with a given input_size. Undefined where what it makes depends on the picture.
 */
export function resizedTo(p: Preprocessing, size: readonly [number, number]): Preprocessing | undefined {
  const before = outputSize(p);
  if (before === undefined) return undefined;
  const [height, width] = size;
  const { resize } = p;
  const crop = p.crop && { ...p.crop, height, width };
  if (resize === null) return { ...p, crop };
  const from = resize.mode === "shortest-edge" ? [resize.size, resize.size] : [resize.height, resize.width];
  const scaled = (axis: 0 | 1): number =>
    crop?.fraction === undefined
      ? Math.max(1, Math.round(((from[axis] as number) * size[axis]) / before[axis]))
      : Math.floor(size[axis] / crop.fraction);
  const [h, w] = [scaled(0), scaled(1)];
  if (resize.mode === "exact" || resize.mode === "contain")
    return { ...p, crop, resize: { ...resize, height: h, width: w } };
  return { ...p, crop, resize: covering(h, w, resize.interpolation) };
}

/** How a picture is brought to size: "shorter side to 248 (bicubic), centre 224×224". */
export function sizingInWords({ resize, crop }: Pick<Preprocessing, "resize" | "crop">): string {
  const steps: string[] = [];
  if (resize !== null) {
    const size = resize.mode === "shortest-edge" ? String(resize.size) : `${resize.height}×${resize.width}`;
    const how = {
      exact: "stretched to",
      "shortest-edge": "shorter side to",
      cover: "scaled to cover",
      contain: "scaled to fit",
    }[resize.mode];
    steps.push(`${how} ${size} (${resize.interpolation})`);
  }
  if (crop !== null) steps.push(`centre ${crop.height}×${crop.width}`);
  return steps.join(", ");
}

/**
 * @file Hugging Face's preprocessor_config.json: each image processor's class fills in what the file leaves out, and
 * some read "size" in a way of their own. Legacy forms (an integer size, feature_extractor_type) are read too.
 *
 * Source: transformers, models/<model>/image_processing_<model>.py (the Pillow ones) and image_transforms.py.
 */
import { z } from "zod";
import { VitreousError } from "../onnx/errors.js";
import { forChannels, mean, parse, positive, side, std } from "./fields.js";
import type { Interpolation } from "./filters.js";
import {
  BLACK,
  type Crop,
  HALF,
  IMAGENET_MEAN,
  IMAGENET_STD,
  type Preprocessing,
  type Resize,
} from "./preprocessing.js";

const CLIP_MEAN: readonly number[] = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD: readonly number[] = [0.26862954, 0.26130258, 0.27577711];

/** PIL.Image.Resampling, by number. */
const RESAMPLING: readonly Interpolation[] = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

type Size = { readonly height: number; readonly width: number } | { readonly shortestEdge: number };

/** A class's defaults, and what it does with its size. */
interface Processor {
  readonly resample: Interpolation;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly size: Size;
  readonly crop?: number;
  /** An integer "size" means the shorter edge (else both sides). */
  readonly integerIsEdge?: boolean;
  readonly doCrop?: boolean;
  readonly cropPct?: number;
  readonly resizeOn?: Preprocessing["resizeOn"];
  /** "convnext": crop_pct below 384 pixels; "poolformer": crop_pct always; "levit": edge·256/224. */
  readonly sizing?: "convnext" | "poolformer" | "levit";
}

const square = (size: number): Size => ({ height: size, width: size });
const clip: Processor = {
  resample: "bicubic",
  mean: CLIP_MEAN,
  std: CLIP_STD,
  size: { shortestEdge: 224 },
  crop: 224,
  integerIsEdge: true,
  doCrop: true,
};
const vit: Processor = { resample: "bilinear", mean: HALF, std: HALF, size: square(224) };
const imagenet = { mean: IMAGENET_MEAN, std: IMAGENET_STD };

/** By class name without "ImageProcessor", "FeatureExtractor", "Fast" and "Pil". */
const PROCESSORS: Readonly<Record<string, Processor>> = {
  ViT: vit,
  DeiT: { ...vit, resample: "bicubic", size: square(256), crop: 224, doCrop: true },
  Beit: { ...vit, resample: "bicubic", crop: 224 },
  Bit: clip,
  CLIP: clip,
  ChineseCLIP: clip,
  Siglip: { ...vit, resample: "bicubic", integerIsEdge: true },
  Pvt: { ...vit, ...imagenet },
  DINOv3ViT: { ...vit, ...imagenet, resizeOn: "rescaled" },
  ConvNext: {
    ...vit,
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

const sizeSchema = z.union(
  [
    side,
    z.tuple([side, side]),
    z.strictObject({ height: side, width: side }),
    z.strictObject({ shortest_edge: side }),
  ],
  "must be a number of pixels, {height, width} or {shortest_edge}",
);

const schema = z.object({
  image_processor_type: z.string().nullish(),
  feature_extractor_type: z.string().nullish(),
  do_resize: z.boolean().nullish(),
  size: sizeSchema.nullish(),
  resample: z.int().min(0).max(5).nullish(),
  do_center_crop: z.boolean().nullish(),
  crop_size: sizeSchema.nullish(),
  crop_pct: positive.nullish(),
  do_rescale: z.boolean().nullish(),
  rescale_factor: positive.nullish(),
  rescale_offset: z.boolean().nullish(),
  do_normalize: z.boolean().nullish(),
  image_mean: mean.nullish(),
  image_std: std.nullish(),
  do_pad: z.boolean().nullish(),
});

/** One of the forms of a size. */
function readSize(value: z.infer<typeof sizeSchema>, integerIsEdge: boolean): Size {
  if (typeof value === "number") return integerIsEdge ? { shortestEdge: value } : square(value);
  if (Array.isArray(value)) return { height: value[0], width: value[1] };
  return "shortest_edge" in value ? { shortestEdge: value.shortest_edge } : value;
}

const centre = (height: number, width: number): Crop => ({ height, width, rounding: "down", fill: BLACK });

/** The class's own reading of size and crop_pct; ConvNext's crop belongs to its resize. */
function sizing(
  kind: Processor["sizing"],
  size: Size,
  cropPct: number | undefined,
  interpolation: Interpolation,
  where: string,
): { readonly resize: Resize; readonly crop?: Crop } {
  const edge = "shortestEdge" in size ? size.shortestEdge : undefined;
  const toEdge = (length: number): Resize => ({
    mode: "shortest-edge",
    size: Math.trunc(length),
    interpolation,
  });
  switch (kind) {
    case "convnext":
      if (edge === undefined || cropPct === undefined) {
        throw new VitreousError(
          `${where}: "size" must be {"shortest_edge": …} for a ConvNext image processor.`,
        );
      }
      return edge < 384
        ? { resize: toEdge(edge / cropPct), crop: centre(edge, edge) }
        : { resize: { mode: "exact", height: edge, width: edge, interpolation } };
    case "poolformer":
      if (cropPct === undefined) break;
      if (edge !== undefined) return { resize: toEdge(edge / cropPct) };
      if (!("height" in size)) break;
      if (size.height === size.width) return { resize: toEdge(size.height / cropPct) };
      return {
        resize: {
          mode: "exact",
          height: Math.trunc(size.height / cropPct),
          width: Math.trunc(size.width / cropPct),
          interpolation,
        },
      };
    case "levit":
      if (edge !== undefined) return { resize: toEdge((256 / 224) * edge) };
      break;
    default:
  }
  return {
    resize: "shortestEdge" in size ? toEdge(size.shortestEdge) : { mode: "exact", ...size, interpolation },
  };
}

/**
 * @param config The parsed preprocessor_config.json.
 * @param where How messages call the file.
 * @throws VitreousError naming the key that is wrong or not supported.
 */
export function huggingFacePreprocessing(config: unknown, where: string): Preprocessing {
  const c = parse(schema, config, where);
  const stated = c.image_processor_type ?? c.feature_extractor_type ?? undefined;
  const name = stated?.replace(/(ImageProcessor|FeatureExtractor)(Fast|Pil)?$/, "");
  const known = name === undefined ? undefined : PROCESSORS[name];
  if (c.rescale_offset) throw new VitreousError(`${where}: "rescale_offset" is not supported.`);
  if (c.do_pad) throw new VitreousError(`${where}: "do_pad" is not supported.`);
  if (!known && (!c.image_mean || !c.image_std) && c.do_normalize !== false) {
    throw new VitreousError(
      `${where}: the image processor ${stated ?? "(without a name)"} is not known, and the file does not give "image_mean" and "image_std"; add them.`,
    );
  }
  if (!known && !c.size && c.do_resize !== false) {
    throw new VitreousError(
      `${where}: the image processor ${stated ?? "(without a name)"} is not known, and the file does not give "size"; add it.`,
    );
  }
  const p = known ?? vit;
  const interpolation = c.resample == null ? p.resample : (RESAMPLING[c.resample] as Interpolation);
  const size = c.size == null ? p.size : readSize(c.size, p.integerIsEdge ?? false);
  const sized: { readonly resize: Resize | null; readonly crop?: Crop } =
    (c.do_resize ?? true)
      ? sizing(p.sizing, size, c.crop_pct ?? p.cropPct, interpolation, where)
      : { resize: null };
  const crop = (c.do_center_crop ?? p.doCrop ?? false) ? readCrop(c.crop_size ?? p.crop, where) : null;
  const normalised = c.do_normalize ?? true;
  return {
    channels: 3,
    resize: sized.resize,
    crop: crop ?? sized.crop ?? null,
    resizeOn: p.resizeOn ?? "pixels",
    rescale: (c.do_rescale ?? true) ? (c.rescale_factor ?? 1 / 255) : 1,
    mean: normalised ? forChannels(c.image_mean ?? p.mean, 3, "image_mean", where) : [0, 0, 0],
    std: normalised ? forChannels(c.image_std ?? p.std, 3, "image_std", where) : [1, 1, 1],
    source: where,
    warnings: known
      ? []
      : [
          `${where}: the image processor ${stated ?? "(without a name)"} is not known; its settings are read as ViT's.`,
        ],
  };
}

function readCrop(value: z.infer<typeof sizeSchema> | undefined, where: string): Crop {
  const size = value === undefined ? undefined : readSize(value, false);
  if (size === undefined || !("height" in size)) {
    throw new VitreousError(`${where}: "crop_size" must be a number of pixels or {height, width}.`);
  }
  return centre(size.height, size.width);
}

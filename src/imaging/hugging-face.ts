/**
 * @file Hugging Face's preprocessor_config.json: each image processor's class fills in what the file leaves out, and
 * some read "size" in a way of their own. Legacy forms (an integer size, feature_extractor_type) are read too.
 *
 * The pixels are those of transformers 5, whose processors resize with torchvision. Those of Pillow (transformers 4, or
 * `backend="pil"`, here a class name that ends in "Pil") differ from them by one grey level where the filter is bilinear
 * and by up to two where it is bicubic or lanczos: on photographs of cells and ultrasound scans at 0.3 to 0.7 % of all
 * values, 0.003 to 0.007 grey levels on average.
 *
 * Source: transformers, image_processing_backends.py, image_transforms.py and models/<model>/image_processing_<model>.py.
 */
import { z } from "zod";
import { VitreousError } from "../onnx/errors.js";
import { forChannels, mean, parse, positive, side, std } from "./fields.js";
import type { Interpolation } from "./filters.js";
import { BLACK, type Crop, type Preprocessing, type Resize } from "./preprocessing.js";
import {
  PROCESSOR_OF_MODEL,
  PROCESSORS,
  type Processor,
  type ProcessorSize,
  square,
  VIT,
} from "./processors.js";

/** PIL.Image.Resampling, by number. */
const RESAMPLING: readonly Interpolation[] = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

/** Those that torch lacks: transformers can only do them with Pillow. */
const ONLY_PILLOW: ReadonlySet<Interpolation> = new Set(["box", "hamming"]);

/** Steps that are done here, or that do nothing to a decoded RGB picture. */
const KNOWN_STEPS: ReadonlySet<string> = new Set([
  "do_resize",
  "do_center_crop",
  "do_rescale",
  "do_normalize",
  "do_convert_rgb",
  "do_reduce_labels",
]);

/** Other settings of some classes that change pixels. */
const OTHER_SETTINGS: readonly string[] = [
  "rescale_offset",
  "offset",
  "include_top",
  "use_square_size",
  "size_divisor",
  "keep_aspect_ratio",
];

const sizeSchema = z.union(
  [
    side,
    z.tuple([side, side]),
    z.strictObject({ height: side, width: side }),
    z.strictObject({ shortest_edge: side }),
  ],
  "must be a number of pixels, {height, width} or {shortest_edge}",
);

const schema = z.looseObject({
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
  do_normalize: z.boolean().nullish(),
  image_mean: mean.nullish(),
  image_std: std.nullish(),
});

type Settings = z.infer<typeof schema>;
type Rounding = Crop["rounding"];

/** One of the forms of a size. */
function readSize(value: z.infer<typeof sizeSchema>, integerIsEdge: boolean): ProcessorSize {
  if (typeof value === "number") return integerIsEdge ? { shortestEdge: value } : square(value);
  if (Array.isArray(value)) return { height: value[0], width: value[1] };
  return "shortest_edge" in value ? { shortestEdge: value.shortest_edge } : value;
}

interface Sized {
  readonly resize: Resize | null;
  readonly crop?: Crop;
}

/** The class's own reading of size and crop_pct; ConvNext's crop belongs to its resize. */
function sizing(
  kind: Processor["sizing"],
  size: ProcessorSize,
  cropPct: number | undefined,
  { interpolation, rounding }: { interpolation: Interpolation; rounding: Rounding },
  where: string,
): Sized {
  const edge = "shortestEdge" in size ? size.shortestEdge : undefined;
  const toEdge = (length: number): Resize => ({
    mode: "shortest-edge",
    size: Math.trunc(length),
    interpolation,
  });
  const toBoth = (height: number, width: number): Resize => ({ mode: "exact", height, width, interpolation });
  switch (kind) {
    case "convnext":
      if (edge === undefined || cropPct === undefined) {
        throw new VitreousError(
          `${where}: "size" must be {"shortest_edge": …} for a ConvNext image processor.`,
        );
      }
      if (edge >= 384) return { resize: toBoth(edge, edge) };
      return {
        resize: toEdge(edge / cropPct),
        crop: { height: edge, width: edge, rounding, fill: BLACK, fraction: cropPct },
      };
    case "poolformer":
      if (cropPct === undefined) break;
      if (edge !== undefined) return { resize: toEdge(edge / cropPct) };
      if (!("height" in size)) break;
      if (size.height === size.width) return { resize: toEdge(size.height / cropPct) };
      return { resize: toBoth(Math.trunc(size.height / cropPct), Math.trunc(size.width / cropPct)) };
    case "levit":
      if (edge !== undefined) return { resize: toEdge((256 / 224) * edge) };
      break;
    default:
  }
  return { resize: "shortestEdge" in size ? toEdge(size.shortestEdge) : toBoth(size.height, size.width) };
}

/** The class as the file names it, or as the model's type implies it. */
function processorOf(c: Settings, modelType: string | undefined, where: string) {
  const implied = modelType === undefined ? undefined : PROCESSOR_OF_MODEL[modelType];
  const stated = c.image_processor_type ?? c.feature_extractor_type ?? undefined;
  const name = stated?.replace(/(ImageProcessor|FeatureExtractor)(Fast|Pil)?$/, "") ?? implied;
  const known = name !== undefined && Object.hasOwn(PROCESSORS, name) ? PROCESSORS[name] : undefined;
  const called = stated ?? "(without a name)";
  if (known === undefined) {
    const missing = [
      ...(c.do_normalize !== false && (!c.image_mean || !c.image_std)
        ? ['"image_mean" and "image_std"']
        : []),
      ...(c.do_resize !== false && !c.size ? ['"size"'] : []),
    ];
    if (missing[0] !== undefined) {
      throw new VitreousError(
        `${where}: the image processor ${called} is not known, and the file does not give ${missing[0]}; add what is missing.`,
      );
    }
  }
  const warnings =
    known === undefined
      ? [`${where}: the image processor ${called} is not known; its settings are read as ViT's.`]
      : [];
  return { processor: known ?? VIT, pillow: stated?.endsWith("Pil") ?? false, warnings };
}

function refuseUnknown(c: Settings, where: string): void {
  for (const [key, value] of Object.entries(c)) {
    const unknown = (key.startsWith("do_") && !KNOWN_STEPS.has(key)) || OTHER_SETTINGS.includes(key);
    if (unknown && value) throw new VitreousError(`${where}: "${key}" is not supported.`);
  }
}

/**
 * @param config The parsed preprocessor_config.json.
 * @param where How messages call the file.
 * @param modelType config.json's model_type, for files that do not name their class.
 * @throws VitreousError naming the key that is wrong or not supported.
 */
export function huggingFacePreprocessing(config: unknown, where: string, modelType?: string): Preprocessing {
  const c = parse(schema, config, where);
  refuseUnknown(c, where);
  const { processor: p, pillow: named, warnings } = processorOf(c, modelType, where);
  const interpolation = c.resample == null ? p.resample : (RESAMPLING[c.resample] as Interpolation);
  const pillow = named || ONLY_PILLOW.has(interpolation);
  const rescales = c.do_rescale ?? true;
  const rounding = pillow ? "down" : "to-zero";
  const size = c.size == null ? p.size : readSize(c.size, p.integerIsEdge ?? false);
  const sized: Sized =
    (c.do_resize ?? true)
      ? sizing(p.sizing, size, c.crop_pct ?? p.cropPct, { interpolation, rounding }, where)
      : { resize: null };
  const cropped = c.do_center_crop ?? p.doCrop ?? false;
  if (cropped && sized.crop)
    throw new VitreousError(`${where}: "do_center_crop" after "crop_pct" is not supported.`);
  const crop = cropped ? readCrop(c.crop_size ?? p.crop, rounding, where) : null;
  const normalised = c.do_normalize ?? true;
  return {
    channels: 3,
    resize: sized.resize,
    crop: crop ?? sized.crop ?? null,
    resizeOn: p.rescalesFirst && rescales ? "rescaled" : pillow ? "pixels" : "torch-pixels",
    rescale: rescales ? (c.rescale_factor ?? 1 / 255) : 1,
    mean: normalised ? forChannels(c.image_mean ?? p.mean, 3, "image_mean", where) : [0, 0, 0],
    std: normalised ? forChannels(c.image_std ?? p.std, 3, "image_std", where) : [1, 1, 1],
    source: where,
    warnings,
  };
}

function readCrop(value: z.infer<typeof sizeSchema> | undefined, rounding: Rounding, where: string): Crop {
  const size = value === undefined ? undefined : readSize(value, false);
  if (size === undefined || !("height" in size)) {
    throw new VitreousError(`${where}: "crop_size" must be a number of pixels or {height, width}.`);
  }
  return { ...size, rounding, fill: BLACK };
}

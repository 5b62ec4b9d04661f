/**
 * @file A preparation in the words of transformers' image processors, for models that were trained here. Not every
 * preparation has such words, and theirs are not always the same pixels: what is written is read back, and that is what
 * the model must be trained with, so that transformers feeds it what it has learnt from.
 *
 * Source: transformers 5, image_processing_backends.py; models/vit, deit, bit and dinov3_vit.
 */
import { VitreousError } from "../onnx/errors.js";
import type { Interpolation } from "./filters.js";
import { huggingFacePreprocessing } from "./hugging-face.js";
import { outputSize, type Preprocessing, type Resize } from "./preprocessing.js";
import { differences } from "./preprocessing-differences.js";

/** PIL.Image.Resampling. */
const RESAMPLING: Readonly<Record<Interpolation, number>> = {
  nearest: 0,
  lanczos: 1,
  bilinear: 2,
  bicubic: 3,
  box: 4,
  hamming: 5,
};

export interface Expressed {
  /** preprocessor_config.json. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What transformers makes of the settings: what to train and to evaluate with. */
  readonly preprocessing: Preprocessing;
  /** How that differs from what was asked for; empty where it does not. */
  readonly notes: readonly string[];
}

const FILE = "preprocessor_config.json";

/** The resize step, or the nearest that transformers has. */
function nearest(p: Preprocessing): { readonly resize: Resize | null; readonly cropped: boolean } {
  const { resize, crop } = p;
  if (resize?.mode !== "cover" && resize?.mode !== "contain") return { resize, cropped: crop !== null };
  const [height, width] = outputSize(p) ?? [resize.height, resize.width];
  return {
    resize: { mode: "exact", height, width, interpolation: resize.interpolation },
    cropped: false,
  };
}

/** The class whose steps these are. */
function processorFor(p: Preprocessing, resize: Resize | null, cropped: boolean): string {
  if (p.resizeOn === "rescaled" && resize?.mode === "exact" && !cropped) return "DINOv3ViTImageProcessor";
  if (resize?.mode === "exact") return cropped ? "DeiTImageProcessor" : "ViTImageProcessor";
  return "BitImageProcessor";
}

function sizeOf(resize: Resize): Readonly<Record<string, number>> {
  if (resize.mode === "shortest-edge") return { shortest_edge: resize.size };
  return { height: resize.height, width: resize.width };
}

function settingsOf(p: Preprocessing): Readonly<Record<string, unknown>> {
  const { resize, cropped } = nearest(p);
  return {
    image_processor_type: processorFor(p, resize, cropped),
    do_convert_rgb: true,
    do_resize: resize !== null,
    ...(resize === null ? {} : { size: sizeOf(resize), resample: RESAMPLING[resize.interpolation] }),
    do_center_crop: cropped,
    ...(cropped && p.crop ? { crop_size: { height: p.crop.height, width: p.crop.width } } : {}),
    do_rescale: p.rescale !== 1,
    ...(p.rescale === 1 ? {} : { rescale_factor: p.rescale }),
    do_normalize: true,
    image_mean: p.mean,
    image_std: p.std,
  };
}

/**
 * The settings for a preparation, and the preparation that transformers makes of them.
 *
 * @throws VitreousError for pictures of another number of channels than 3, which transformers' processors do not make
 */
export function expressible(p: Preprocessing): Expressed {
  if (p.channels !== 3) {
    throw new VitreousError(
      `transformers has no image processor for pictures of ${p.channels} ${p.channels === 1 ? "channel" : "channels"}: start from a checkpoint for RGB pictures.`,
    );
  }
  const settings = settingsOf(p);
  const preprocessing = huggingFacePreprocessing(settings, FILE);
  return { settings, preprocessing, notes: differences(p, preprocessing, "transformers") };
}

/**
 * @file The front door of all formats that say how a model's images are prepared: Hugging Face's
 * preprocessor_config.json, timm's pretrained_cfg, and our own record (which models carry in their metadata).
 */
import { z } from "zod";
import { VitreousError } from "../onnx/errors.js";
import { forChannels, mean, parse, positive, side, std } from "./fields.js";
import { INTERPOLATIONS } from "./filters.js";
import { huggingFacePreprocessing } from "./hugging-face.js";
import type { Preprocessing } from "./preprocessing.js";
import { timmPreprocessing } from "./timm.js";

const interpolation = z.enum(INTERPOLATIONS);
const byte = z.int().min(0).max(255);

const ownSchema = z.strictObject({
  channels: side.default(3),
  resize: z
    .discriminatedUnion("mode", [
      z.strictObject({ mode: z.literal("exact"), height: side, width: side, interpolation }),
      z.strictObject({ mode: z.literal("shortest-edge"), size: side, interpolation }),
      z.strictObject({ mode: z.literal("cover"), height: side, width: side, interpolation }),
      z.strictObject({ mode: z.literal("contain"), height: side, width: side, interpolation }),
    ])
    .nullable(),
  crop: z
    .strictObject({
      height: side,
      width: side,
      rounding: z.enum(["half-even", "to-zero", "down"]).default("half-even"),
      fill: z.tuple([byte, byte, byte]).default([0, 0, 0]),
      fraction: positive.optional(),
    })
    .nullable()
    .default(null),
  resizeOn: z.enum(["pixels", "torch-pixels", "rescaled"]).default("pixels"),
  rescale: positive.default(1 / 255),
  mean,
  std,
  source: z.string().optional(),
  warnings: z.array(z.string()).default([]),
});

const has = (value: object, ...keys: readonly string[]): boolean => keys.some((key) => key in value);

/** Keys by which an image processor's settings are known. */
const HUGGING_FACE = [
  "image_processor_type",
  "feature_extractor_type",
  "image_mean",
  "do_resize",
  "do_normalize",
] as const;

/** The image processor's part of a processor_config.json, or the value itself. */
function processorIn(value: object): object {
  const inner = "image_processor" in value ? value.image_processor : undefined;
  return typeof inner === "object" && inner !== null ? inner : value;
}

/** True for a parsed JSON object that `readPreprocessing` takes: a model's config.json often holds none. */
export function saysPreprocessing(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const said = processorIn(value);
  if (has(said, "pretrained_cfg", ...HUGGING_FACE)) return true;
  return has(said, "resize") && has(said, "mean") ? true : has(said, "input_size", "crop_pct");
}

/**
 * Preprocessing from parsed JSON in any known form.
 *
 * @param where How messages call the file.
 * @param modelType config.json's model_type: which image processor it is where the file does not name it.
 * @throws VitreousError naming the key that is wrong, or saying which forms are read.
 */
export function readPreprocessing(value: unknown, where: string, modelType?: string): Preprocessing {
  if (typeof value !== "object" || value === null || !saysPreprocessing(value)) {
    throw new VitreousError(
      `${where} does not say how images are prepared: it is neither a Hugging Face preprocessor_config.json, nor a timm config with "pretrained_cfg", nor a record with "resize", "mean" and "std".`,
    );
  }
  const said = processorIn(value);
  // transformers' wrapper around timm models keeps timm's own settings.
  if (has(said, "pretrained_cfg")) return timmPreprocessing(said, where);
  if (has(said, ...HUGGING_FACE)) return huggingFacePreprocessing(said, where, modelType);
  if (!has(said, "resize")) return timmPreprocessing(said, where);
  const own = parse(ownSchema, said, where);
  return {
    ...own,
    mean: forChannels(own.mean, own.channels, "mean", where),
    std: forChannels(own.std, own.channels, "std", where),
    source: own.source ?? where,
  };
}

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
  channels: z.union([z.literal(1), z.literal(3)]).default(3),
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
      rounding: z.enum(["half-even", "down"]).default("half-even"),
      fill: z.tuple([byte, byte, byte]).default([0, 0, 0]),
    })
    .nullable()
    .default(null),
  resizeOn: z.enum(["pixels", "rescaled"]).default("pixels"),
  rescale: positive.default(1 / 255),
  mean,
  std,
  source: z.string().optional(),
  warnings: z.array(z.string()).default([]),
});

const has = (value: object, ...keys: readonly string[]): boolean => keys.some((key) => key in value);

/** True for a parsed JSON object that `readPreprocessing` takes: a model's config.json often holds none. */
export function saysPreprocessing(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (has(value, "pretrained_cfg")) return true;
  if (has(value, "image_processor_type", "feature_extractor_type", "image_mean", "do_resize", "do_normalize"))
    return true;
  return has(value, "resize") && has(value, "mean") ? true : has(value, "input_size", "crop_pct");
}

/**
 * Preprocessing from parsed JSON in any known form.
 *
 * @param where How messages call the file.
 * @throws VitreousError naming the key that is wrong, or saying which forms are read.
 */
export function readPreprocessing(value: unknown, where: string): Preprocessing {
  if (typeof value !== "object" || value === null || !saysPreprocessing(value)) {
    throw new VitreousError(
      `${where} does not say how images are prepared: it is neither a Hugging Face preprocessor_config.json, nor a timm config with "pretrained_cfg", nor a record with "resize", "mean" and "std".`,
    );
  }
  if (
    has(value, "image_processor_type", "feature_extractor_type", "image_mean", "do_resize", "do_normalize")
  ) {
    // transformers' wrapper around timm models keeps timm's own settings.
    return has(value, "pretrained_cfg")
      ? timmPreprocessing(value, where)
      : huggingFacePreprocessing(value, where);
  }
  if (!has(value, "resize")) return timmPreprocessing(value, where);
  const own = parse(ownSchema, value, where);
  return {
    ...own,
    mean: forChannels(own.mean, own.channels, "mean", where),
    std: forChannels(own.std, own.channels, "std", where),
    source: own.source ?? where,
  };
}

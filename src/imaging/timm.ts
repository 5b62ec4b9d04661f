/**
 * @file timm's pretrained_cfg, as in the config.json of its hub layout: what timm.data.create_transform makes of it
 * for evaluation.
 *
 * Source: timm, data/config.py (resolve_data_config) and data/transforms_factory.py (transforms_imagenet_eval).
 */
import { z } from "zod";
import { forChannels, mean, parse, positive, side, std } from "./fields.js";
import { INTERPOLATIONS } from "./filters.js";
import {
  BLACK,
  covering,
  IMAGENET_MEAN,
  IMAGENET_STD,
  type Preprocessing,
  type Resize,
} from "./preprocessing.js";
import { roundHalfEven } from "./round.js";

const schema = z.object({
  input_size: z.tuple([side, side, side]).nullish(),
  interpolation: z.enum(INTERPOLATIONS).nullish(),
  crop_pct: positive.nullish(),
  crop_mode: z.enum(["center", "squash", "border"]).nullish(),
  mean: mean.nullish(),
  std: std.nullish(),
});

/** timm's own defaults where a key is missing. */
const DEFAULT = { size: [3, 224, 224] as const, interpolation: "bicubic" as const, cropPct: 0.875 };

/**
 * @param config The pretrained_cfg itself, or a config.json that holds one.
 * @param where How messages call the file.
 */
export function timmPreprocessing(config: unknown, where: string): Preprocessing {
  const nested = typeof config === "object" && config !== null && "pretrained_cfg" in config;
  const cfg = parse(
    schema,
    nested ? config.pretrained_cfg : config,
    nested ? `${where}, pretrained_cfg` : where,
  );
  const [channels, height, width] = cfg.input_size ?? DEFAULT.size;
  const interpolation = cfg.interpolation ?? DEFAULT.interpolation;
  const cropPct = cfg.crop_pct ?? DEFAULT.cropPct;
  const [h, w] = [Math.floor(height / cropPct), Math.floor(width / cropPct)];
  const channelMean = forChannels(cfg.mean ?? IMAGENET_MEAN, channels, "mean", where);
  const modes: Readonly<Record<"center" | "squash" | "border", Resize>> = {
    center: covering(h, w, interpolation),
    squash: { mode: "exact", height: h, width: w, interpolation },
    border: { mode: "contain", height: h, width: w, interpolation },
  };
  const mode = cfg.crop_mode ?? "center";
  const grey = channelMean.map((v) => roundHalfEven(255 * v));
  return {
    channels,
    resize: modes[mode],
    crop: {
      height,
      width,
      rounding: "half-even",
      fill: mode === "border" ? [grey[0] ?? 0, grey[1] ?? grey[0] ?? 0, grey[2] ?? grey[0] ?? 0] : BLACK,
      fraction: cropPct,
    },
    resizeOn: "pixels",
    rescale: 1 / 255,
    mean: channelMean,
    std: forChannels(cfg.std ?? IMAGENET_STD, channels, "std", where),
    source: where,
    warnings: [],
  };
}

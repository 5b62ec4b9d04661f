/**
 * @file A preparation in the words of timm's pretrained_cfg, for models that are saved in timm's layout. What is written
 * is read back, and that is what the model must be trained with.
 *
 * Source: timm, data/transforms_factory.py (transforms_imagenet_eval).
 */
import { VitreousError } from "../onnx/errors.js";
import type { Expressed } from "./hugging-face-settings.js";
import { outputSize, type Preprocessing } from "./preprocessing.js";
import { differences } from "./preprocessing-differences.js";
import { timmPreprocessing } from "./timm.js";

/** The fraction by which timm resizes to `side` before it cuts out `cut`. */
function fraction(cut: number, side: number): number {
  const plain = cut / side;
  // timm divides by it and drops what is behind the point.
  return Math.floor(cut / plain) === side ? plain : cut / (side + 0.5);
}

function cropPercentage({ resize, crop }: Preprocessing): number {
  if (crop === null || resize === null) return 1;
  if (crop.fraction !== undefined) return crop.fraction;
  const [cut, side] =
    resize.mode === "shortest-edge"
      ? [Math.min(crop.height, crop.width), resize.size]
      : [crop.height, resize.height];
  return fraction(cut, side);
}

/**
 * The fields of pretrained_cfg for a preparation, and the preparation that timm makes of them.
 *
 * @throws VitreousError where what it makes depends on the picture: timm's models take one size
 */
export function timmExpressible(p: Preprocessing): Expressed {
  const size = outputSize(p);
  if (size === undefined) {
    throw new VitreousError(
      "timm's settings are for pictures of one size, and this preparation makes them of different ones: give it a crop.",
    );
  }
  const mode = p.resize?.mode;
  const settings = {
    input_size: [p.channels, ...size],
    interpolation: p.resize?.interpolation ?? "bicubic",
    crop_pct: cropPercentage(p),
    crop_mode: mode === "exact" ? "squash" : mode === "contain" ? "border" : "center",
    mean: p.mean,
    std: p.std,
  };
  const preprocessing = timmPreprocessing(settings, "config.json, pretrained_cfg");
  return { settings, preprocessing, notes: differences(p, preprocessing, "timm") };
}

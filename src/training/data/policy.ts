/**
 * @file RandAugment: a few operations drawn from a list, all at one magnitude. The list leaves out inverting and
 * solarising, which turn a picture into one that no scanner makes; strengths by magnitude are torchvision's.
 *
 * Source: Cubuk et al. 2020; torchvision.transforms.RandAugment (31 bins), with bilinear sampling.
 */
import type { RgbImage } from "../../imaging/image.js";
import { roundHalfEven } from "../../imaging/round.js";
import { aboutCentre, affine } from "./affine.js";
import { below, type Draw } from "./draws.js";
import { brightness, contrast, saturation } from "./jitter.js";
import type { PolicyOperation } from "./options.js";
import { autocontrast, equalize, posterize, sharpness } from "./tones.js";

/** Magnitudes are 0…30. */
const GREATEST = 30;

const SHEAR = 0.3;
/** Of the picture's side. */
const SHIFT = 150 / 331;
const ANGLE = 30;
const ENHANCE = 0.9;

/** One operation at `level` (0 to 1); `sign` is its direction. */
export function policyOperation(
  image: RgbImage,
  operation: PolicyOperation,
  level: number,
  sign: 1 | -1,
): RgbImage {
  const signed = level * sign;
  switch (operation) {
    case "identity":
      return image;
    case "shear-x":
      return affine(image, aboutCentre(image, [1, SHEAR * signed, 0, 1]));
    case "shear-y":
      return affine(image, aboutCentre(image, [1, 0, SHEAR * signed, 1]));
    case "translate-x":
      return affine(image, [1, 0, Math.trunc(SHIFT * image.width * signed), 0, 1, 0]);
    case "translate-y":
      return affine(image, [1, 0, 0, 0, 1, Math.trunc(SHIFT * image.height * signed)]);
    case "rotate": {
      const angle = (ANGLE * signed * Math.PI) / 180;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      return affine(image, aboutCentre(image, [c, s, -s, c]));
    }
    case "brightness":
      return brightness(image, 1 + ENHANCE * signed);
    case "saturation":
      return saturation(image, 1 + ENHANCE * signed);
    case "contrast":
      return contrast(image, 1 + ENHANCE * signed);
    case "sharpness":
      return sharpness(image, 1 + ENHANCE * signed);
    case "posterize":
      return posterize(image, 8 - roundHalfEven(level * 4));
    case "autocontrast":
      return autocontrast(image);
    case "equalize":
      return equalize(image);
  }
}

/** Draws two numbers for each operation. */
export function randAugment(
  image: RgbImage,
  options: {
    readonly operations: number;
    readonly magnitude: number;
    readonly among: readonly PolicyOperation[];
  },
  next: Draw,
): RgbImage {
  let result = image;
  for (let i = 0; i < options.operations; i++) {
    const operation = options.among[below(next, options.among.length)] ?? "identity";
    const sign = next() < 0.5 ? -1 : 1;
    result = policyOperation(result, operation, options.magnitude / GREATEST, sign);
  }
  return result;
}

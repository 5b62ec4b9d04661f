/**
 * @file Random erasing: a rectangle of the model's image without information, so that no single part is relied on.
 *
 * Source: Zhong et al. 2020; torchvision.transforms.RandomErasing with value 0 on the normalised image, its mean.
 */
import { roundHalfEven } from "../../imaging/round.js";
import { below, type Draw, within } from "./draws.js";

const ATTEMPTS = 10;

/** Erases within float32 [channels, height, width], in place; nothing where ten rectangles do not fit. */
export function randomErasing(
  pixels: Float32Array,
  [height, width]: readonly [number, number],
  options: {
    readonly probability: number;
    readonly scale: readonly [number, number];
    readonly ratio: readonly [number, number];
  },
  next: Draw,
): void {
  if (next() >= options.probability) return;
  const [low, high] = options.ratio;
  for (let i = 0; i < ATTEMPTS; i++) {
    const area = height * width * within(next, options.scale);
    // torchvision's ratio here is height over width.
    const ratio = Math.exp(within(next, [Math.log(low), Math.log(high)]));
    const h = roundHalfEven(Math.sqrt(area * ratio));
    const w = roundHalfEven(Math.sqrt(area / ratio));
    if (h < 1 || w < 1 || h >= height || w >= width) continue;
    const top = below(next, height - h + 1);
    const left = below(next, width - w + 1);
    for (let at = top * width + left; at < pixels.length; at += height * width) {
      for (let y = 0; y < h; y++) pixels.fill(0, at + y * width, at + y * width + w);
    }
    return;
  }
}

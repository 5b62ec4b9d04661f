/**
 * @file Pictures and framed overlays as PNG files.
 */
import sharp from "sharp";
import { VitreousError } from "../../onnx/errors.js";
import { type FrameOptions, frame } from "../frame.js";
import type { RgbImage } from "../image.js";
import { type OverlayOptions, overlay } from "../overlay.js";
import { resample } from "../resample.js";
import { resizeMap } from "../resize-map.js";

export interface OverlayPngOptions extends OverlayOptions, Omit<FrameOptions, "colormap"> {
  /** Without caption and scale bar, at the picture's own size. Default false. */
  readonly bare?: boolean;
}

/** Small pictures are drawn at a whole multiple of their size, at least this wide and high. */
const LEAST_SIDE = 400;

/** 8-bit RGB as PNG. */
export async function rgbPng(image: RgbImage): Promise<Uint8Array> {
  const { data, width, height } = image;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/**
 * The overlay of a map on what the model saw, with caption and scale bar.
 *
 * @param image The picture at the model's size.
 * @param map [height, width] of the picture, in [0, 1].
 */
export async function overlayPng(
  image: RgbImage,
  map: ArrayLike<number>,
  options: OverlayPngOptions = {},
): Promise<Uint8Array> {
  if (options.bare) return rgbPng(overlay(image, map, options));
  if (map.length !== image.width * image.height) {
    throw new VitreousError(
      `A map of ${map.length} values does not fit an image of ${image.width}×${image.height} pixels; resize it first.`,
    );
  }
  const times = Math.max(1, Math.ceil(LEAST_SIDE / Math.max(image.width, image.height)));
  const [width, height] = [image.width * times, image.height * times];
  const large = resample(image, width, height, "bicubic");
  const values = resizeMap(map, [image.height, image.width], [height, width]);
  const drawn = overlay(large, values, options);
  const around = frame(width, height, { ...options, colormap: options.colormap ?? "inferno" });
  return sharp(Buffer.from(around.svg))
    .composite([
      {
        input: Buffer.from(drawn.data.buffer),
        raw: { width, height, channels: 3 },
        left: around.left,
        top: around.top,
      },
    ])
    .removeAlpha()
    .png({ compressionLevel: 9, palette: false })
    .toBuffer();
}

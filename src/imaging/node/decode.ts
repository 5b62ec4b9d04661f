/**
 * @file Picture files to 8-bit RGB, with the pixels that Pillow's `Image.open(...).convert("RGB")` gives, since that
 * is what models are trained on: colour profiles are not applied, alpha is dropped and not composited, CMYK is
 * converted by Pillow's formula. Two deliberate differences: EXIF orientation is applied, and 16-bit grey keeps its
 * high byte (as Pillow does for 16-bit colour), where Pillow clips everything above 255 to white.
 */
import sharp from "sharp";
import { VitreousError } from "../../onnx/errors.js";
import { readBmp } from "../bmp.js";
import type { RgbImage } from "../image.js";
import { readBytes } from "./file-error.js";
import { type ImageFormat, sniff } from "./sniff.js";

// Decoding runs beside a model that uses every core; libvips' own threads and its cache of pixels would only take
// memory and time from it.
sharp.concurrency(1);
sharp.cache(false);

/** Larger pictures are refused: their pixels alone would take 1.2 GB. */
export const MOST_PIXELS = 400_000_000;

export interface DecodedImage extends RgbImage {
  readonly format: ImageFormat;
  /** The picture was turned or mirrored as its EXIF data asked. */
  readonly orientationApplied: boolean;
  /** What was done to it that a person may want to know. */
  readonly notes: readonly string[];
}

/** Pillow's CMYK to RGB: (255 − K)·(1 − C/255), rounded in integers. */
function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const out = new Uint8ClampedArray((cmyk.length / 4) * 3);
  for (let i = 0, o = 0; i < cmyk.length; i += 4, o += 3) {
    const light = 255 - (cmyk[i + 3] as number);
    for (let c = 0; c < 3; c++) {
      const product = (cmyk[i + c] as number) * light + 128;
      out[o + c] = light - (((product >> 8) + product) >> 8);
    }
  }
  return new Uint8Array(out.buffer);
}

/** libvips' complaint as a sentence about the file, its own prefixes taken off. */
function decodeFailure(name: string, format: string, error: unknown): VitreousError {
  const detail = (error instanceof Error ? error.message : String(error))
    .replace(/^Input (buffer|file) (has corrupt header|contains unsupported image format):?/, "")
    .split("\n")
    .map((line) => line.trim())
    .find((line) => line !== "");
  const why = detail === undefined ? "" : ` (${detail})`;
  return new VitreousError(`${name} is damaged or truncated: it could not be decoded as ${format}${why}.`, {
    cause: error,
  });
}

interface Facts {
  readonly format: ImageFormat;
  readonly cmyk: boolean;
  readonly orientation: number;
  readonly notes: readonly string[];
}

/** What the header says, checked before any pixel is decoded. */
async function inspect(bytes: Uint8Array, name: string, format: ImageFormat): Promise<Facts> {
  // The limit is checked here, for an error with numbers in it.
  const m = await sharp(bytes, { limitInputPixels: false }).metadata();
  if (m.width * m.height > MOST_PIXELS) {
    throw new VitreousError(
      `${name} has ${Math.round((m.width * m.height) / 1e6)} megapixels (${m.width}×${m.height}); at most ${MOST_PIXELS / 1e6} are read. Make it smaller first.`,
    );
  }
  if (m.depth !== "uchar" && m.depth !== "ushort") {
    throw new VitreousError(
      `${name} holds ${m.depth} samples, whose black and white are not defined; save it with 8 or 16 bits (as unsigned integers).`,
    );
  }
  const orientation = m.orientation ?? 1;
  const notes: string[] = [];
  if (orientation > 1) notes.push(`EXIF orientation ${orientation} applied`);
  if ((m.pages ?? 1) > 1) notes.push(`first of ${m.pages} frames`);
  if (m.depth === "ushort") notes.push("16 bits reduced to 8 by keeping the high byte");
  if (m.space === "cmyk") notes.push("CMYK converted by Pillow's formula");
  if (m.hasAlpha) notes.push("alpha channel dropped");
  if (m.hasProfile) notes.push("embedded colour profile not applied");
  return { format, cmyk: m.space === "cmyk", orientation, notes };
}

async function decodeWithSharp(bytes: Uint8Array, name: string, format: ImageFormat): Promise<DecodedImage> {
  try {
    const facts = await inspect(bytes, name, format);
    const picture = sharp(bytes, {
      failOn: "error",
      ignoreIcc: true,
      limitInputPixels: MOST_PIXELS,
    }).autoOrient();
    const coloured = facts.cmyk
      ? picture.pipelineColourspace("cmyk").toColourspace("cmyk")
      : picture.removeAlpha().toColourspace("srgb");
    const { data, info } = await coloured.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (channels !== (facts.cmyk ? 4 : 3)) {
      throw new VitreousError(
        `${name} has ${channels} colour channels, and only grey, RGB and CMYK are known.`,
      );
    }
    return {
      data: facts.cmyk ? cmykToRgb(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      width,
      height,
      format,
      orientationApplied: facts.orientation > 1,
      notes: facts.notes,
    };
  } catch (error) {
    throw error instanceof VitreousError ? error : decodeFailure(name, format, error);
  }
}

/** A picture's sides as stored (before EXIF orientation), without decoding it. Errors as from `decodeImage`. */
export async function headerOf(
  bytes: Uint8Array,
  path: string,
): Promise<{ readonly width: number; readonly height: number }> {
  const format = sniff(bytes, path);
  if (format === "BMP") {
    const { width, height } = readBmp(bytes, path, MOST_PIXELS);
    return { width, height };
  }
  try {
    const { width, height } = await sharp(bytes, { limitInputPixels: false }).metadata();
    return { width, height };
  } catch (error) {
    throw decodeFailure(path, format, error);
  }
}

/**
 * Decodes PNG, JPEG, TIFF, WebP or BMP, told apart by their content and not by their name. Of several frames or
 * pages the first is taken.
 *
 * @param source A path, or the file's bytes.
 * @param name How messages call it; the path by default.
 * @throws VitreousError, one sentence: empty, truncated, not a picture, a folder, no permission, too large, …
 */
export async function decodeImage(source: string | Uint8Array, name?: string): Promise<DecodedImage> {
  const called = name ?? (typeof source === "string" ? source : "the image");
  const bytes = typeof source === "string" ? await readBytes(source) : source;
  const format = sniff(bytes, called);
  if (format === "BMP") {
    const image = readBmp(bytes, called, MOST_PIXELS);
    return { ...image, format, orientationApplied: false, notes: [] };
  }
  return decodeWithSharp(bytes, called, format);
}

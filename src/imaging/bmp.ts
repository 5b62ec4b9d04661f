/**
 * @file Uncompressed BMP files, which sharp's prebuilt libvips does not read: 1, 4, 8, 16, 24 and 32 bits a pixel,
 * bottom-up and top-down, with palettes and bit fields.
 *
 * Source: Microsoft, "Bitmap Storage" (BITMAPCOREHEADER, BITMAPINFOHEADER, V4, V5).
 */
import { VitreousError } from "../onnx/errors.js";
import type { RgbImage } from "./image.js";

interface Header {
  readonly pixels: number;
  readonly width: number;
  readonly height: number;
  readonly topDown: boolean;
  readonly bits: number;
  /** Red, green, blue, for 16 and 32 bits. */
  readonly masks: readonly [number, number, number];
  readonly palette: Uint8Array;
  readonly paletteEntry: 3 | 4;
}

const RGB = 0;
const BITFIELDS = 3;
const ALPHABITFIELDS = 6;

function readHeader(bytes: Uint8Array, name: string, mostPixels: number): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.length >= 18 ? view.getUint32(14, true) : 0;
  if (bytes.length < 26 || bytes.length < 14 + size) {
    throw new VitreousError(`${name} is a truncated BMP file: it ends inside its header.`);
  }
  const core = size === 12;
  if (!core && (size < 40 || size > 124)) {
    throw new VitreousError(`${name} is a BMP file with an unknown header (${size} bytes); save it as PNG.`);
  }
  const width = core ? view.getUint16(18, true) : view.getInt32(18, true);
  const signed = core ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(core ? 24 : 28, true);
  const compression = core ? RGB : view.getUint32(30, true);
  const height = Math.abs(signed);
  if (width < 1 || height < 1)
    throw new VitreousError(`${name} is a BMP file without pixels (${width}×${signed}).`);
  if (width * height > mostPixels) {
    throw new VitreousError(
      `${name} has ${Math.round((width * height) / 1e6)} megapixels; at most ${mostPixels / 1e6} are read. Make it smaller first.`,
    );
  }
  const fields = compression === BITFIELDS || compression === ALPHABITFIELDS;
  if (
    ![1, 4, 8, 16, 24, 32].includes(bits) ||
    (compression !== RGB && !(fields && (bits === 16 || bits === 32)))
  ) {
    throw new VitreousError(
      `${name} is a compressed or unusual BMP file (${bits} bits, compression ${compression}); save it as PNG.`,
    );
  }
  const plain: readonly [number, number, number] =
    bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff];
  if (fields && bytes.length < 66)
    throw new VitreousError(`${name} is a truncated BMP file: it ends inside its header.`);
  // The masks stand at the same place whether they belong to the header (V4, V5) or follow it.
  const masks: readonly [number, number, number] = fields
    ? [view.getUint32(54, true), view.getUint32(58, true), view.getUint32(62, true)]
    : plain;
  const paletteEntry = core ? 3 : 4;
  const colours = bits > 8 ? 0 : (core ? 0 : view.getUint32(46, true)) || 2 ** bits;
  const paletteStart = 14 + size;
  return {
    pixels: view.getUint32(10, true),
    width,
    height,
    topDown: signed < 0,
    bits,
    masks,
    palette: bytes.subarray(paletteStart, paletteStart + colours * paletteEntry),
    paletteEntry,
  };
}

/** A function from a pixel's bits to the 8-bit value of one field. */
function field(mask: number): (pixel: number) => number {
  if (mask === 0) return () => 0;
  let shift = 0;
  while (((mask >>> shift) & 1) === 0) shift++;
  const most = mask >>> shift;
  return (pixel) => Math.trunc((((pixel & mask) >>> shift) * 255) / most);
}

/** The pixels of a BMP file; alpha is dropped. @throws VitreousError when it is cut short or compressed. */
export function readBmp(bytes: Uint8Array, name: string, mostPixels: number): RgbImage {
  const header = readHeader(bytes, name, mostPixels);
  const { width, height, bits, palette, paletteEntry } = header;
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (bytes.length < header.pixels + stride * height) {
    throw new VitreousError(
      `${name} is a truncated BMP file: ${stride * height} bytes of pixels are announced, ${Math.max(0, bytes.length - header.pixels)} are there.`,
    );
  }
  const out = new Uint8Array(width * height * 3);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields = header.masks.map(field);
  for (let y = 0; y < height; y++) {
    const row = header.pixels + (header.topDown ? y : height - 1 - y) * stride;
    let o = y * width * 3;
    for (let x = 0; x < width; x++, o += 3) {
      if (bits <= 8) {
        const packed = bytes[row + ((x * bits) >> 3)] as number;
        const entry = ((packed >> (8 - bits - ((x * bits) & 7))) & (2 ** bits - 1)) * paletteEntry;
        out[o] = palette[entry + 2] ?? 0;
        out[o + 1] = palette[entry + 1] ?? 0;
        out[o + 2] = palette[entry] ?? 0;
      } else if (bits === 24) {
        out[o] = bytes[row + x * 3 + 2] as number;
        out[o + 1] = bytes[row + x * 3 + 1] as number;
        out[o + 2] = bytes[row + x * 3] as number;
      } else {
        const pixel = bits === 16 ? view.getUint16(row + x * 2, true) : view.getUint32(row + x * 4, true);
        for (let c = 0; c < 3; c++) out[o + c] = fields[c]?.(pixel) ?? 0;
      }
    }
  }
  return { data: out, width, height };
}

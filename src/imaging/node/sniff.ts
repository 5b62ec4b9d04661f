/**
 * @file What kind of file this is, by its first bytes. Names lie, and a decoder's own guess would open formats (SVG,
 * PDF, GIF) that nobody meant to hand to a classifier.
 */
import { VitreousError } from "../../onnx/errors.js";

export type ImageFormat = "PNG" | "JPEG" | "TIFF" | "WebP" | "BMP";

const latin = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, to));

const READ: readonly (readonly [ImageFormat, (b: Uint8Array) => boolean])[] = [
  ["PNG", (b) => latin(b, 0, 8) === "\x89PNG\r\n\x1a\n"],
  ["JPEG", (b) => latin(b, 0, 3) === "\xff\xd8\xff"],
  ["TIFF", (b) => ["II*\0", "MM\0*", "II+\0", "MM\0+"].includes(latin(b, 0, 4))],
  ["WebP", (b) => latin(b, 0, 4) === "RIFF" && latin(b, 8, 12) === "WEBP"],
  // A reserved field of four zeros keeps text that happens to begin with "BM" out.
  ["BMP", (b) => latin(b, 0, 2) === "BM" && (latin(b, 6, 10) === "\0\0\0\0" || b.length < 26)],
];

const KNOWN: readonly (readonly [string, (b: Uint8Array) => boolean])[] = [
  ["a GIF", (b) => /^GIF8[79]a/.test(latin(b, 0, 6))],
  ["a PDF", (b) => latin(b, 0, 5) === "%PDF-"],
  [
    "an SVG drawing",
    (b) =>
      /^\s*(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg/i.test(
        latin(b, 0, 512).replace(/^\xef\xbb\xbf/, ""),
      ),
  ],
  ["a HEIF or AVIF picture", (b) => latin(b, 4, 8) === "ftyp"],
  ["a JPEG 2000 picture", (b) => latin(b, 4, 8) === "jP  " || latin(b, 0, 4) === "\xff\x4f\xff\x51"],
  ["a DICOM file", (b) => latin(b, 128, 132) === "DICM"],
  ["a NumPy array", (b) => latin(b, 0, 6) === "\x93NUMPY"],
];

/** The format of a picture. @throws VitreousError when it is empty, of a kind that is not read, or no picture. */
export function sniff(bytes: Uint8Array, name: string): ImageFormat {
  if (bytes.length === 0) throw new VitreousError(`${name} is empty (0 bytes).`);
  const format = READ.find(([, test]) => test(bytes))?.[0];
  if (format) return format;
  const known = KNOWN.find(([, test]) => test(bytes))?.[0];
  throw new VitreousError(
    known
      ? `${name} is ${known}; save it as PNG, JPEG, TIFF, WebP or BMP.`
      : `${name} is no image: its content is not PNG, JPEG, TIFF, WebP or BMP.`,
  );
}

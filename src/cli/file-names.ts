/** @file Methods with their parameters as parts of file names: readable, safe on every system, no two alike. */
import { createHash } from "node:crypto";
import { uniqueStems } from "../datasets/stems.js";

/** File systems take 255 bytes for a name, and the image's stem stands before it. */
const MOST = 120;

const safe = (spec: string): string => spec.replace(/[^A-Za-z0-9._=+@-]+/g, "_");

/** A long name (a list of many layers) is cut, and a hash of all of it keeps it apart from others that begin alike. */
function short(name: string): string {
  if (name.length <= MOST) return name;
  return `${name.slice(0, MOST - 9)}~${createHash("sha256").update(name).digest("hex").slice(0, 8)}`;
}

/** "grad-cam:layer=blocks.3" → "grad-cam_layer=blocks.3". */
export const methodFileNames = (specs: readonly string[]): readonly string[] =>
  uniqueStems(specs.map((spec) => [short(safe(spec))]));

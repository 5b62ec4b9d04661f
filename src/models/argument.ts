/** @file The parameters of --arch as values of a library's own arguments: "img_size=64x96,depths=2-2-6-2,qk_norm=true". */
import type { Spec } from "../spec.js";

/** Several numbers, joined by "x" (sizes) or by "-" (one for each stage); a list of exponents is none. */
const LIST = /^\d+(\.\d+)?(x\d+(\.\d+)?)+$|^\d+(\.\d+)?(-\d+(\.\d+)?)+$/;

/** A number, a list of them, a switch, null for "none", or else the text as it is. */
export function argumentOf(text: string): unknown {
  if (text !== "" && !Number.isNaN(Number(text))) return Number(text);
  if (LIST.test(text)) return text.split(/[x-]/).map(Number);
  const word = text.toLowerCase();
  if (word === "true" || word === "false") return word === "true";
  return word === "none" || word === "null" ? null : text;
}

/** What the user states, not checked yet. */
export function argumentsOf({ parameters }: Pick<Spec, "parameters">): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(parameters).map(([name, text]) => [name, argumentOf(text)]));
}

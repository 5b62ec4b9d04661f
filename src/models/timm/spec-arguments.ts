/** @file The parameters of --arch as keyword arguments of a timm model class: "img_size=64x96,qk_norm=true". */
import type { Spec } from "../../spec.js";

/** A number, a list of them joined by "x", a switch, none, or else the text as it is. */
function parsed(text: string): unknown {
  const numbers = text.split("x").map((part) => (part === "" ? Number.NaN : Number(part)));
  if (numbers.every((n) => !Number.isNaN(n))) return numbers.length === 1 ? numbers[0] : numbers;
  const word = text.toLowerCase();
  if (word === "true" || word === "false") return word === "true";
  return word === "none" || word === "null" ? null : text;
}

/** What the user states, not checked yet. */
export function argumentsOf({ parameters }: Spec): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(parameters).map(([name, text]) => [name, parsed(text)]));
}

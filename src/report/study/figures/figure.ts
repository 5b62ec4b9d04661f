/** @file What the figures of a study share: a name each, colours by method, and a form that stands without the page. */
import { PALETTE } from "../../svg.js";

export interface Figure {
  /** Of its files, without ending. */
  readonly name: string;
  /** What it shows, for who cannot see it. */
  readonly description: string;
  readonly svg: string;
}

/** A row of a figure: a map of a model. */
export interface FigureRow {
  readonly model: string;
  readonly method: string;
}

/** Colours of methods, and with them shapes: the same on the whole page. Controls are grey. */
export interface MethodColors {
  readonly domain: readonly string[];
  readonly range: readonly string[];
}

export function methodColors(methods: readonly string[]): MethodColors {
  return { domain: methods, range: methods.map((_, i) => PALETTE[i % PALETTE.length] ?? "currentColor") };
}

export const colorOf = ({ domain, range }: MethodColors, method: string): string =>
  range[domain.indexOf(method)] ?? "currentColor";

/** Told apart in grey print and with any colour vision. The page's style has the same shapes in this order. */
const SHAPES = ["circle", "square", "diamond", "triangle", "star", "cross"] as const;

export const shapeIndex = ({ domain }: MethodColors, method: string): number =>
  Math.max(0, domain.indexOf(method)) % SHAPES.length;

export const shapeOf = (colors: MethodColors, method: string): (typeof SHAPES)[number] =>
  SHAPES[shapeIndex(colors, method)] ?? "circle";

/** Pixels that a text of figures takes, roughly. */
export const roughWidth = (text: string): number => text.length * 5.9;

/** Safe on every file system: "insertion:step=1792" → "insertion_step=1792". */
export const fileName = (...parts: readonly string[]): string =>
  parts.map((part) => part.trim().replace(/[^A-Za-z0-9._=+-]+/g, "_")).join("-");

const INK = "#16191d";

/** With its own ground, ink and letters, for files that no page lends theirs. */
export function standalone(svg: string): string {
  return svg
    .replace(/<style>[^<]*<\/style>/, "")
    .replace(/var\(--[\w-]+,\s*([^)]+)\)/g, "$1")
    .replace(/background:\s*transparent/, "background:white")
    .replace(/font-family:\s*inherit/, "font-family:Helvetica,Arial,sans-serif")
    .replace("<svg ", `<svg color="${INK}" `);
}

/**
 * @file Text as SVG shapes. librsvg draws paths everywhere, but text only where fonts are installed.
 */
import { GLYPHS } from "./glyphs.js";

const UNKNOWN = GLYPHS["�"] ?? [600, ""];

const glyph = (character: string): readonly [number, string] => GLYPHS[character] ?? UNKNOWN;

/** Width of a line in pixels. */
export function textWidth(text: string, size: number): number {
  return ([...text].reduce((sum, character) => sum + glyph(character)[0], 0) * size) / 1000;
}

/** The line, shortened with "…" where it is wider than `most`. */
export function fitText(text: string, size: number, most: number): string {
  if (textWidth(text, size) <= most) return text;
  const characters = [...text];
  while (characters.length > 0 && textWidth(`${characters.join("")}…`, size) > most) characters.pop();
  return `${characters.join("").trimEnd()}…`;
}

/** A line with its baseline at (x, y), as an SVG group. */
export function textPath(
  text: string,
  x: number,
  y: number,
  size: number,
  fill: string,
  anchor: "start" | "end" = "start",
): string {
  const scale = size / 1000;
  let advance = anchor === "end" ? -textWidth(text, size) / scale : 0;
  const paths: string[] = [];
  for (const character of text) {
    const [width, path] = glyph(character);
    if (path) paths.push(`<path transform="translate(${Math.round(advance)})" d="${path}"/>`);
    advance += width;
  }
  return `<g fill="${fill}" transform="translate(${x} ${y}) scale(${scale})">${paths.join("")}</g>`;
}

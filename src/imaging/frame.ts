/**
 * @file What stands around an overlay: caption above, scale bar at its right. Pure layout, drawn as SVG, so that the
 * page and the command line show the same figure.
 */
import { type ColormapName, colormap } from "./colormap.js";
import { fitText, textPath, textWidth } from "./text.js";

export interface FrameOptions {
  /** First line, e.g. the predicted class and its probability. */
  readonly title?: string;
  /** Second line, e.g. the method. */
  readonly subtitle?: string;
  readonly colormap: ColormapName;
  /** What the bar's numbers mean; default "importance". */
  readonly scaleLabel?: string;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** Where the picture's corner goes. */
  readonly left: number;
  readonly top: number;
  readonly svg: string;
}

const MARGIN = 16;
const TITLE = 17;
const SUBTITLE = 13;
const TICK = 12;
const BAR = 14;
const GAP = 14;
const INK = "#1b1b1f";
const FAINT = "#5f6068";

/** The figure around a picture of `width`×`height`, on white. */
export function frame(width: number, height: number, options: FrameOptions): Frame {
  const { title, subtitle, scaleLabel = "importance" } = options;
  const head = (title ? TITLE * 1.35 : 0) + (subtitle ? SUBTITLE * 1.45 : 0);
  const top = Math.round(MARGIN + head + (head > 0 ? 8 : 0));
  const ticks = ["1", "0.5", "0"];
  const tickWidth = Math.max(...ticks.map((t) => textWidth(t, TICK)));
  const barLeft = MARGIN + width + GAP;
  const labelLeft = barLeft + BAR + 9 + tickWidth + 8;
  const total = Math.ceil(labelLeft + TICK + MARGIN - 4);
  const parts: string[] = [`<rect width="100%" height="100%" fill="#ffffff"/>`];
  const room = total - 2 * MARGIN;
  let y = MARGIN;
  if (title) {
    y += TITLE;
    parts.push(textPath(fitText(title, TITLE, room), MARGIN, y, TITLE, INK));
    y += TITLE * 0.35;
  }
  if (subtitle) {
    y += SUBTITLE;
    parts.push(textPath(fitText(subtitle, SUBTITLE, room), MARGIN, y, SUBTITLE, FAINT));
  }
  const table = colormap(options.colormap);
  const stops = Array.from({ length: 33 }, (_, i) => {
    const at = Math.round((255 * (32 - i)) / 32) * 3;
    return `<stop offset="${i / 32}" stop-color="rgb(${table[at]},${table[at + 1]},${table[at + 2]})"/>`;
  });
  parts.push(
    `<defs><linearGradient id="bar" x1="0" y1="0" x2="0" y2="1">${stops.join("")}</linearGradient></defs>`,
    `<rect x="${barLeft}" y="${top}" width="${BAR}" height="${height}" fill="url(#bar)"/>`,
  );
  ticks.forEach((tick, i) => {
    const at = top + (i * height) / 2;
    const line = Math.min(top + height - 0.5, Math.max(top + 0.5, at));
    parts.push(
      `<path d="M${barLeft + BAR} ${line}h5" stroke="${FAINT}"/>`,
      textPath(tick, barLeft + BAR + 9, at + TICK * 0.36 + (i === 0 ? 4 : i === 2 ? -4 : 0), TICK, INK),
    );
  });
  const label = fitText(scaleLabel, TICK, height);
  const middle = top + height / 2 + textWidth(label, TICK) / 2;
  parts.push(
    `<g transform="translate(${labelLeft + TICK - 3} ${middle}) rotate(-90)">${textPath(label, 0, 0, TICK, FAINT)}</g>`,
  );
  const total_ = { width: total, height: top + height + MARGIN };
  return {
    ...total_,
    left: MARGIN,
    top,
    svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${total_.width}" height="${total_.height}">${parts.join("")}</svg>`,
  };
}

/**
 * @file Colour maps for heat maps: perceptually uniform (equal steps of value look equal) and readable with any
 * colour vision, because their lightness rises all the way. Rainbow maps are left out on purpose.
 *
 * Source: van der Walt and Smith (inferno, magma, plasma, viridis), Nuñez, Anderton, Renslow 2018 (cividis).
 */
import {
  interpolateCividis,
  interpolateInferno,
  interpolateMagma,
  interpolatePlasma,
  interpolateViridis,
} from "d3-scale-chromatic";
import { VitreousError } from "../onnx/errors.js";

const SCALES = {
  inferno: interpolateInferno,
  magma: interpolateMagma,
  plasma: interpolatePlasma,
  viridis: interpolateViridis,
  cividis: interpolateCividis,
} as const;

export type ColormapName = keyof typeof SCALES;
export const COLORMAPS: readonly ColormapName[] = Object.keys(SCALES) as ColormapName[];

/** 256 colours as 8-bit RGB, for values 0 to 1 in equal steps. */
export function colormap(name: ColormapName): Uint8Array {
  const scale = SCALES[name];
  if (!scale) throw new VitreousError(`There is no colour map "${name}"; there are ${COLORMAPS.join(", ")}.`);
  const table = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) table.set(readColour(scale(i / 255)), i * 3);
  return table;
}

const STOPS = 9;

/** The colours in equal steps from value 0 to 1, as CSS has them: for a scale beside a figure. */
export function colorStops(name: ColormapName): readonly string[] {
  const table = colormap(name);
  return Array.from({ length: STOPS }, (_, i) => {
    const at = Math.round((i * 255) / (STOPS - 1)) * 3;
    return `rgb(${table.subarray(at, at + 3).join(",")})`;
  });
}

/** "#rrggbb" or "rgb(r, g, b)". */
function readColour(text: string): number[] {
  if (text.startsWith("#")) return [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16));
  return (text.match(/\d+/g) ?? []).map(Number);
}

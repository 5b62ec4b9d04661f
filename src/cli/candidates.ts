/** @file The maps of one image that `evaluate` scores: the methods' own, ones made elsewhere, and controls. */
import type { MapToScore } from "../api/types.js";
import { CONTROLS, controlMap, invertedMap } from "../metrics/controls.js";
import type { ImageTensor } from "../metrics/metric.js";

export interface Candidate extends MapToScore {
  readonly control: boolean;
  /** For a control made from a method's map: which method. */
  readonly of?: string;
}

/** Controls for an image: random (from the seed), center, edge, and each given map inverted. */
export function controlsFor(
  image: ImageTensor,
  maps: readonly MapToScore[],
  seed: number,
): readonly Candidate[] {
  const own = CONTROLS.map((control) => ({
    method: control,
    values: controlMap(control, image, seed),
    control: true,
  }));
  const inverted = maps.map(({ method, values }) => ({
    method: "inverted",
    of: method,
    values: invertedMap(values),
    control: true,
  }));
  return [...own, ...inverted];
}

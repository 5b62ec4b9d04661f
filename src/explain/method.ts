/**
 * @file What a method is: a pure description. It names the tensors it needs as small expressions over activations
 * and gradients (so that reductions happen inside the graph, before anything is copied out), and turns those
 * arrays into a map on the token grid. It knows no runtime, and no model but through the anatomy.
 */
import type { Anatomy } from "../anatomy/anatomy.js";
import type { NdArray } from "../runtime/runtime.js";
import type { Expr } from "./expression.js";

export type ParameterValue = string | number | boolean | readonly string[];
export type Parameters = Readonly<Record<string, ParameterValue>>;

/** A map on the token grid for one image: values row-major, [grid[0], grid[1]], as the method defines them. */
export interface TokenMap {
  readonly grid: readonly [number, number];
  readonly values: Float32Array;
}

export interface Method {
  /** As the command line writes it: "grad-cam". */
  readonly name: string;
  /** As given, defaults filled in; "auto" where the model decides. */
  readonly parameters: Parameters;
  readonly citation: string;
  /** How the map is brought to [0, 1] at image size: "min-max", or divided by its maximum ("max"). */
  readonly scaling: "min-max" | "max";
  /** Undefined when the method works on this model, else one sentence that says why not and what to do. */
  unsupported(anatomy: Anatomy): string | undefined;
  /** The parameters with every "auto" settled for this model: what goes into the record. */
  resolve(anatomy: Anatomy): Parameters;
  /** The expressions to compute, by names of the method's own. Results arrive under the same names. */
  taps(anatomy: Anatomy): Readonly<Record<string, Expr>>;
  /** From the taps' arrays of a batch of `count` images to a map for each. */
  maps(taps: Readonly<Record<string, NdArray>>, anatomy: Anatomy, count: number): readonly TokenMap[];
}

/**
 * @file What a method is: a pure description. It names the tensors it needs as small expressions over activations
 * and gradients (so that reductions happen inside the graph, before anything is copied out), and turns those
 * arrays into a map on the token grid. It knows no runtime, and no model but through the anatomy.
 */
import type { Anatomy } from "../anatomy/anatomy.js";
import type { NdArray } from "../runtime/runtime.js";

/** An expression over the model's values, compiled into graph nodes. Axis 0 of the result must be the batch (or batch·windows). */
export type Expr =
  /** An activation, by the graph's value name. */
  | { readonly op: "value"; readonly name: string }
  /** Gradient of the explained scalar with respect to an activation. */
  | { readonly op: "gradient"; readonly of: string }
  | { readonly op: "mul" | "add" | "matmul"; readonly a: Expr; readonly b: Expr }
  | { readonly op: "relu"; readonly x: Expr }
  | {
      readonly op: "mean" | "max" | "min" | "sum";
      readonly x: Expr;
      readonly axes: readonly number[];
      readonly keepdims: boolean;
    }
  | {
      readonly op: "slice";
      readonly x: Expr;
      readonly axis: number;
      readonly start: number;
      readonly end: number;
    }
  /** Reshape with 0 = keep, −1 = infer, as ONNX. */
  | { readonly op: "reshape"; readonly x: Expr; readonly shape: readonly number[] }
  | { readonly op: "transpose"; readonly x: Expr; readonly perm: readonly number[] };

export type ParameterValue = string | number | boolean | readonly string[];

/** A map on the token grid for one image: values row-major, [grid[0], grid[1]], as the method defines them. */
export interface TokenMap {
  readonly grid: readonly [number, number];
  readonly values: Float32Array;
}

export interface Method {
  /** As the command line writes it: "grad-cam". */
  readonly name: string;
  /** Every parameter, defaults resolved: they go into the record. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  readonly citation: string;
  /** Undefined when the method works on this model, else one sentence that says why not and what to do. */
  unsupported(anatomy: Anatomy): string | undefined;
  /** The expressions to compute, by names of the method's own. Results arrive under the same names. */
  taps(anatomy: Anatomy): Readonly<Record<string, Expr>>;
  /** From the taps' arrays of a batch of `count` images to a map for each. */
  maps(taps: Readonly<Record<string, NdArray>>, anatomy: Anatomy, count: number): readonly TokenMap[];
}

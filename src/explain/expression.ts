/**
 * @file Expressions over a model's activations and gradients: what a method asks the graph to compute. Plain data,
 * so that a method stays a description and every runtime can compile it.
 */

export type Expr =
  /** An activation, by the graph's value name. */
  | { readonly op: "value"; readonly name: string }
  /** Gradient of the explained scalar with respect to an activation; the activation's shape. */
  | { readonly op: "gradient"; readonly of: string }
  | { readonly op: "mul" | "matmul"; readonly a: Expr; readonly b: Expr }
  | { readonly op: "relu" | "abs"; readonly x: Expr }
  | { readonly op: Reduction; readonly x: Expr; readonly axes: readonly number[]; readonly keepdims: boolean }
  | {
      readonly op: "slice";
      readonly x: Expr;
      readonly axis: number;
      readonly start: number;
      readonly end: number;
    }
  /** As ONNX: 0 keeps a dimension, −1 is inferred. */
  | { readonly op: "reshape"; readonly x: Expr; readonly shape: readonly number[] }
  | { readonly op: "transpose"; readonly x: Expr; readonly perm: readonly number[] };

export type Reduction = "mean" | "max" | "min" | "sum";

export const value = (name: string): Expr => ({ op: "value", name });
export const gradient = (of: string): Expr => ({ op: "gradient", of });
export const mul = (a: Expr, b: Expr): Expr => ({ op: "mul", a, b });
export const matmul = (a: Expr, b: Expr): Expr => ({ op: "matmul", a, b });
export const relu = (x: Expr): Expr => ({ op: "relu", x });
export const abs = (x: Expr): Expr => ({ op: "abs", x });
export const reduce = (op: Reduction, x: Expr, axes: readonly number[], keepdims = false): Expr => ({
  op,
  x,
  axes,
  keepdims,
});
export const slice = (x: Expr, axis: number, start: number, end: number): Expr => ({
  op: "slice",
  x,
  axis,
  start,
  end,
});
export const reshape = (x: Expr, shape: readonly number[]): Expr => ({ op: "reshape", x, shape });
export const transpose = (x: Expr, perm: readonly number[]): Expr => ({ op: "transpose", x, perm });

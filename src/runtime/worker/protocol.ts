/**
 * @file What the page or the main thread and the worker say to each other. Kept apart, as types only, because the
 * worker's side is plain JavaScript that Node starts without a compiler.
 */
import type { ArrayData, NdArray } from "../runtime.js";

/** A graph input or output, as ONNX Runtime describes it. A string in `dims` is a symbol: any length. */
export interface Port {
  readonly name: string;
  /** ONNX Runtime's name of the type, which may be one that `NdArray` does not have, such as "float16". */
  readonly dtype: string;
  readonly dims: readonly (number | string)[];
}

/** An array on its way between threads. */
export interface WireArray {
  readonly name: string;
  readonly dtype: NdArray["dtype"];
  readonly dims: readonly number[];
  readonly data: ArrayData;
}

export type Job =
  | { readonly kind: "open"; readonly settings: unknown }
  | { readonly kind: "load"; readonly session: number; readonly model: Uint8Array }
  | {
      readonly kind: "run";
      readonly session: number;
      readonly feeds: readonly WireArray[];
      readonly outputs: readonly string[];
      readonly giveBack: boolean;
    }
  | { readonly kind: "release"; readonly session: number }
  | { readonly kind: "close" };

export type Request<J = Job> =
  | { readonly kind: "job"; readonly id: number; readonly job: J }
  /** Drops the job with this id, if it has not started. */
  | { readonly kind: "cancel"; readonly id: number };

export interface OpenResult {
  /** Names of the devices that the build of ONNX Runtime knows; empty where it does not say. */
  readonly devices: readonly string[];
}

export interface LoadResult {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

export interface RunResult {
  readonly outputs: readonly WireArray[];
  readonly feeds: readonly WireArray[];
}

export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  /** `message` is ONNX Runtime's. */
  | { readonly id: number; readonly ok: false; readonly message: string };

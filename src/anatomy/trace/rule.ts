/**
 * @file What a tracing rule sees of a node and what it gives back. A rule says, for one family of operators, where
 * the content of each position of the output comes from.
 */
import type { Node } from "../../onnx/graph.js";
import type { IndexTensor } from "./index-tensor.js";
import type { Origins } from "./origins.js";

/**
 * "place": a token keeps its identity through attention and same-size convolutions: the row of the output is the
 * row of the query. "reads": what the content really depends on, keys and receptive fields included.
 */
export type TraceMode = "place" | "reads";

export interface TraceContext {
  readonly node: Node;
  readonly mode: TraceMode;
  readonly origins: Origins;
  /** Opset of ai.onnx. */
  readonly opset: number;
  /** The trace of an input; undefined for constants, absent inputs and values that do not come from the seed. */
  traced(index: number): IndexTensor | undefined;
  /** Dimensions of an input at the traced batch size; undefined where unknown. */
  dims(index: number): readonly number[] | undefined;
  /** Inferred dimensions of an output at the traced batch size. */
  outputDims(index: number): readonly number[] | undefined;
  /** Elements of a constant integer input; undefined where it is absent or no constant. */
  ints(index: number): readonly number[] | undefined;
  /** Elements of a constant numeric input, with its dimensions; undefined where it is absent or no constant. */
  constant(index: number): { readonly dims: readonly number[]; readonly data: Float32Array } | undefined;
}

/**
 * Traces of the outputs ("constant" for one that no token can be told from, as the scale of a quantised tensor), or
 * a sentence's end that says why the trace is lost here.
 */
export type TraceResult = readonly (IndexTensor | "constant")[] | string;

export type TraceRule = (context: TraceContext) => TraceResult;

/** Axis counted from the front. */
export function frontAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

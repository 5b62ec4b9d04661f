/**
 * @file What a shape rule is, and the few helpers that nearly every rule needs. A rule is a pure function from a
 * node and what is known of its inputs to the types of its outputs; what it cannot know it leaves unknown.
 */

import { intAttribute } from "../attributes.js";
import type { Dim, Shape } from "../dim.js";
import { mulDim, sameDim } from "../dim.js";
import type { DataType, Node, Tensor, ValueType } from "../graph.js";

export interface InferContext {
  type(name: string): ValueType | undefined;
  /**
   * Content of a small tensor of integers, booleans (0 and 1) or of floats that take part in shape arithmetic,
   * flattened, symbolic in N; null stands for an element nobody knows.
   */
  ints(name: string): readonly Dim[] | undefined;
  constant(name: string): Tensor | undefined;
  /** Version of ai.onnx. */
  readonly opset: number;
}

export type InferRule = (node: Node, context: InferContext) => readonly ValueType[];

export type RuleTable = Readonly<Record<string, InferRule>>;

export const UNKNOWN: ValueType = { dtype: "other", shape: undefined };

export function inputType(node: Node, index: number, context: InferContext): ValueType {
  const name = node.inputs[index];
  return (name ? context.type(name) : undefined) ?? UNKNOWN;
}

export function inputShape(node: Node, index: number, context: InferContext): Shape | undefined {
  return inputType(node, index, context).shape;
}

export function inputDtype(node: Node, index: number, context: InferContext): DataType {
  return inputType(node, index, context).dtype;
}

export function inputInts(node: Node, index: number, context: InferContext): readonly Dim[] | undefined {
  const name = node.inputs[index];
  return name ? context.ints(name) : undefined;
}

/** The content of an input where each element is a plain number. */
export function inputNumbers(
  node: Node,
  index: number,
  context: InferContext,
): readonly number[] | undefined {
  const content = inputInts(node, index, context);
  return content?.every((d) => typeof d === "number") ? content : undefined;
}

export const hasInput = (node: Node, index: number): boolean => Boolean(node.inputs[index]);

/** A negative axis counts from the end. */
export const normalAxis = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Axes given as an attribute (older opsets) or as an input; undefined: absent; null: given but unknown. */
export function axesOf(
  node: Node,
  input: number,
  context: InferContext,
): readonly number[] | undefined | null {
  const attribute = node.attributes.axes;
  if (attribute?.kind === "ints") return attribute.value;
  if (!hasInput(node, input)) return undefined;
  return inputNumbers(node, input, context) ?? null;
}

/** One dimension of a broadcast, by NumPy's rule. */
export function broadcastDim(a: Dim, b: Dim): Dim {
  if (a === 1) return b;
  if (b === 1 || sameDim(a, b)) return a;
  // A known extent above 1 (N counts: it is at least 1, and 1 would broadcast) decides for an unknown one.
  if (a === null) return b;
  if (b === null) return a;
  return null;
}

export function broadcast(shapes: readonly (Shape | undefined)[]): Shape | undefined {
  let result: Shape = [];
  for (const shape of shapes) {
    if (shape === undefined) return undefined;
    const rank = Math.max(result.length, shape.length);
    const left = result;
    result = Array.from({ length: rank }, (_, i) => {
      const a = left[i - (rank - left.length)];
      const b = shape[i - (rank - shape.length)];
      if (a === undefined) return b ?? null;
      return b === undefined ? a : broadcastDim(a, b);
    });
  }
  return result;
}

/** The shape with one dimension replaced. */
export function withDim(shape: Shape, axis: number, value: Dim): Shape {
  return shape.map((d, i) => (i === axis ? value : d));
}

/** Product of the dimensions in [from, to). */
export function product(shape: Shape, from = 0, to = shape.length): Dim {
  return shape.slice(from, to).reduce<Dim>((size, d) => mulDim(size, d), 1);
}

/** `axis` attribute counted from the front, or undefined outside the rank. */
export function axisAttribute(node: Node, fallback: number, rank: number): number | undefined {
  const axis = normalAxis(intAttribute(node, "axis", fallback), rank);
  return axis >= 0 && axis < rank ? axis : undefined;
}

/** Output 0 has the type of input 0. */
export const sameAsInput: InferRule = (node, context) => [inputType(node, 0, context)];

/**
 * @file What a gradient rule is: a pure function from a node and the gradients that arrived at its outputs to the
 * gradient of each input, as graph nodes. Rules know one operator; the walk over the graph knows none.
 */
import type { Dim, Shape } from "../onnx/dim.js";
import { formatShape, isStatic } from "../onnx/dim.js";
import { VitreousError } from "../onnx/errors.js";
import type { Node, Tensor } from "../onnx/graph.js";
import type { Emitter } from "./emitter.js";

/** A gradient that is zero but in a box along one axis: what slicing gives back. `size` is the extent of the axis. */
export interface Box {
  readonly kind: "box";
  readonly value: string;
  readonly axis: number;
  readonly start: number;
  readonly length: number;
  readonly size: number;
}

/**
 * A gradient value·weight that is not multiplied out yet, so that what comes from several linear layers (queries,
 * keys, values) is one matrix product, and a norm in front can fold its own constants into the weight.
 * `weight` is a matrix [features of value, features of the result].
 */
export interface Linear {
  readonly kind: "linear";
  readonly value: string;
  readonly weight: string;
  /** Whether the weight is a constant: what is done to it costs nothing when the graph runs. */
  readonly fixed: boolean;
}

/** A gradient that is the same along the axes where `value` has extent 1: what sums and means give back. */
export interface Spread {
  readonly kind: "spread";
  readonly value: string;
}

/** A summand of a gradient: a value of the graph in full, or one of the lazy forms. */
export type Contribution = string | Box | Linear | Spread;

/** Gives an input's gradient; called only if that gradient is wanted. Undefined: exactly zero. */
export type InputGradient = () => Contribution | undefined;

/** For each input its gradient; a hole for an input that the operator cannot be differentiated by. */
export type Rule = (context: RuleContext) => readonly (InputGradient | undefined)[];

export type RuleTable = Readonly<Record<string, Rule>>;

/** What a node looks like to its rule. */
export interface RuleContext {
  readonly node: Node;
  readonly emit: Emitter;
  /** Gradient of the first output, in full. */
  readonly dy: string;
  /** Gradient of an output in full; undefined where none arrived, which means zero. */
  gradient(output: number): string | undefined;
  /** The first output's gradient as linear pieces, where it consists of nothing else. */
  linear(): readonly Linear[] | undefined;
  /** Values that the forward node was asked to leave behind (forward.ts), by the names given there. */
  readonly saved: Readonly<Record<string, string>>;
}

export function input(context: RuleContext, index: number): string {
  const name = context.node.inputs[index];
  if (!name) throw new VitreousError(`${describe(context.node)} has no input ${index}.`);
  return name;
}

export function optionalInput(context: RuleContext, index: number): string | undefined {
  return context.node.inputs[index] || undefined;
}

export const output = (context: RuleContext, index = 0): string => context.node.outputs[index] ?? "";

/** Shape of a value of which at least the rank must be known. */
export function shapeOf(context: RuleContext, name: string): Shape {
  const shape = context.emit.shape(name);
  if (shape === undefined) {
    throw new VitreousError(
      `${describe(context.node)} cannot be differentiated: the shape of "${name}" is not known. ` +
        "Export the model with fixed shapes but for the batch; methods that need no gradient still work.",
    );
  }
  return shape;
}

export const inputShape = (context: RuleContext, index: number): Shape =>
  shapeOf(context, input(context, index));

export const rankOf = (context: RuleContext, name: string): number => shapeOf(context, name).length;

/** An extent that must be a number for the rule to work. */
export function staticDim(context: RuleContext, shape: Shape, axis: number): number {
  const extent: Dim | undefined = shape[axis];
  if (isStatic(extent)) return extent;
  return unsupported(context, `axis ${axis} of shape ${formatShape(shape)} has no fixed extent`);
}

/** Content of a constant integer input. */
export function numbers(context: RuleContext, index: number): readonly number[] | undefined {
  const name = context.node.inputs[index];
  return name ? context.emit.numbersOf(name) : undefined;
}

export function constantNumbers(context: RuleContext, index: number): readonly number[] {
  return numbers(context, index) ?? unsupported(context, `input ${index} is not a constant`);
}

export function constant(context: RuleContext, index: number): Tensor | undefined {
  const name = context.node.inputs[index];
  return name ? context.emit.constantOf(name) : undefined;
}

export const normalAxis = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** "LayerNormalization (ai.onnx) at node "/blocks.0/norm1"". */
export function describe(node: Node): string {
  const place = node.name || node.outputs.find((name) => name !== "") || "";
  return `Operator ${node.op} (${node.domain || "ai.onnx"}) at node "${place}"`;
}

export function unsupported(context: RuleContext, reason: string): never {
  throw new VitreousError(
    `${describe(context.node)} cannot be differentiated: ${reason}. Methods that need no gradient still work.`,
  );
}

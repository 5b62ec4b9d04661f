/**
 * @file What a rule of the row analysis is. For an operator it says two things: outside which box its output is
 * known to be zero, and how a part of its output is computed from parts of its inputs. An operator without a rule
 * is a barrier: all of it is computed from all of its inputs.
 */
import type { GraphBuilder, NodeOptions } from "../builder.js";
import type { Shape } from "../dim.js";
import type { DataType, Node, Tensor } from "../graph.js";
import { type Box, intersect, normalise, type Range, whole } from "./box.js";

/** What is known of the graph's values before it is rewritten. */
export interface Known {
  readonly opset: number;
  dtype(name: string): DataType;
  shape(name: string): Shape | undefined;
  constant(name: string): Tensor | undefined;
  /** Content of a small integer tensor, where every element is a plain number. */
  numbers(name: string): readonly number[] | undefined;
  /** The box outside which the value is zero; null: it is zero everywhere. */
  support(name: string): Box | null;
}

/**
 * How a part of an output is computed: by the same operator with the same attributes on the parts read, unless it
 * says otherwise.
 */
export interface Plan {
  /** What is really computed: the box asked for, or one around it. */
  readonly box: Box;
  /** The part read of each input; null: this input is not read at all. */
  readonly reads: readonly (Box | null)[];
  /** The part is just what is read of this input: nothing need be computed. */
  readonly alias?: number;
  /** Writes the part, given the names of the parts read ("" where not read); `options` are for its last node. */
  emit?(builder: GraphBuilder, parts: readonly string[], options: NodeOptions): string;
}

export interface Rule {
  /**
   * Several outputs come out of one node together, each with the rank of the first input and with the same part in
   * the axes that can be taken in parts.
   */
  readonly joint?: true;
  /** The box of the output outside which it is zero; null: zero everywhere. Absent: nothing is known. */
  support?: ((node: Node, known: Known) => Box | null) | undefined;
  /** Undefined: it cannot be done in parts. */
  part?(node: Node, box: Box, known: Known, output: number): Plan | undefined;
}

export type RuleTable = Readonly<Record<string, Rule>>;

export const table = (names: string, rule: Rule): RuleTable =>
  Object.fromEntries(names.split(" ").map((name) => [name, rule]));

export const inputName = (node: Node, index: number): string => node.inputs[index] ?? "";

export const hasInput = (node: Node, index: number): boolean => inputName(node, index) !== "";

export function shapeOfInput(node: Node, index: number, known: Known): Shape | undefined {
  return hasInput(node, index) ? known.shape(inputName(node, index)) : undefined;
}

export function shapeOfOutput(node: Node, known: Known, index = 0): Shape | undefined {
  return known.shape(node.outputs[index] ?? "");
}

/** The box outside which an input is zero; null: it is zero everywhere. */
export function supportOfInput(node: Node, index: number, known: Known): Box | null {
  return known.support(inputName(node, index));
}

/** All of an input. */
export function wholeInput(node: Node, index: number, known: Known): Box | null {
  return hasInput(node, index) ? whole(known.shape(inputName(node, index))) : null;
}

/** All of every input, absent ones left out. */
export function wholeInputs(node: Node, known: Known): (Box | null)[] {
  return node.inputs.map((_, i) => wholeInput(node, i, known));
}

/** An axis counted from the front, or undefined outside the rank. */
export function frontAxis(axis: number, rank: number): number | undefined {
  const front = axis < 0 ? axis + rank : axis;
  return front >= 0 && front < rank ? front : undefined;
}

/** The box with the given axes whole. */
export function widen(box: Box, axes: readonly number[]): Box {
  return box.map((range, axis) => (axes.includes(axis) ? null : range));
}

export function moveRange(range: Range | null, by: number): Range | null {
  return range === null ? null : [range[0] + by, range[1] + by];
}

/** `intersect` for boxes that may be empty. */
export function meet(a: Box | null, b: Box | null): Box | null {
  return a === null || b === null ? null : (intersect(a, b) ?? null);
}

export function normalised(box: Box, shape: Shape | undefined): Box {
  return shape === undefined ? whole(shape) : normalise(box, shape);
}

/** A part of a part, in the coordinates of the whole. */
export function partOfPart(inner: Box, outer: Box): Box {
  return outer.map((range, axis) => {
    const part = inner[axis] ?? null;
    return range === null ? part : part === null ? range : moveRange(part, range[0]);
  });
}

/** A box moved by the corner of another, forwards or back. */
export function shifted(box: Box, corner: Box, shape: Shape | undefined, sign: 1 | -1): Box {
  return normalised(
    box.map((range, axis) => moveRange(range, sign * (corner[axis]?.[0] ?? 0))),
    shape,
  );
}

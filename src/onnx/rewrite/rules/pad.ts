/** @file Parts and zeros of Pad, which the gradient of a slice is: its output is zero around its input. */
import { stringAttribute } from "../../attributes.js";
import type { Node } from "../../graph.js";
import { tensorToNumbers } from "../../tensor.js";
import { type Box, intersect, type Range, whole } from "../box.js";
import { type Margins, surround } from "../cut.js";
import {
  frontAxis,
  hasInput,
  inputName,
  type Known,
  normalised,
  type Plan,
  partOfPart,
  type Rule,
  type RuleTable,
  shapeOfInput,
  shapeOfOutput,
  shifted,
  supportOfInput,
} from "../rule.js";

/** The part of its output that a Pad's input is, or undefined where it does not pad with a known number of zeros. */
function paddedPart(node: Node, known: Known): Box | undefined {
  const from = shapeOfInput(node, 0, known);
  const to = shapeOfOutput(node, known);
  const pads = known.numbers(inputName(node, 1));
  if (!from || !to || !pads || stringAttribute(node, "mode", "constant") !== "constant") return undefined;
  if (hasInput(node, 2)) {
    const value = known.constant(inputName(node, 2));
    if (value === undefined || value.strings || tensorToNumbers(value)[0] !== 0) return undefined;
  }
  const given = hasInput(node, 3) ? known.numbers(inputName(node, 3)) : from.map((_, i) => i);
  if (given === undefined || pads.some((pad) => pad < 0)) return undefined;
  const inner: (Range | null)[] = from.map(() => null);
  for (const [i, negative] of given.entries()) {
    const axis = frontAxis(negative, from.length);
    const [before, after] = [pads[i] ?? 0, pads[i + given.length] ?? 0];
    if (before === 0 && after === 0) continue;
    const extent = axis === undefined ? undefined : from[axis];
    if (axis === undefined || typeof extent !== "number") return undefined;
    inner[axis] = [before, before + extent];
  }
  return inner;
}

/** What a part of a Pad's output reads, and the zeros around that. */
export interface Padding {
  readonly read: Box;
  readonly margins: Margins;
}

/** Undefined where it is no padding with zeros, or nothing but zeros are asked for. */
export function paddingOf(node: Node, box: Box, known: Known): Padding | undefined {
  const inner = paddedPart(node, known);
  const [from, to] = [shapeOfInput(node, 0, known), shapeOfOutput(node, known)];
  const common = inner && intersect(box, inner);
  if (!inner || !from || !to || !common) return undefined;
  const margins = box.map((range, axis): readonly [number, number] => {
    const end = range?.[1] ?? to[axis];
    const part = common[axis];
    return part && typeof end === "number" ? [part[0] - (range?.[0] ?? 0), end - part[1]] : [0, 0];
  });
  return { read: shifted(common, inner, from, -1), margins };
}

function padPart(node: Node, box: Box, known: Known): Plan | undefined {
  const padding = paddingOf(node, box, known);
  if (padding === undefined) return undefined;
  const { read, margins } = padding;
  const reads = node.inputs.map((_, i) => (i === 0 ? read : null));
  if (margins.every(([before, after]) => before === 0 && after === 0)) return { box, reads, alias: 0 };
  return { box, reads, emit: (builder, [x = ""], options) => surround(builder, x, margins, options) };
}

const pad: Rule = {
  part: padPart,
  support(node, known) {
    const inner = paddedPart(node, known);
    const box = supportOfInput(node, 0, known);
    if (inner === undefined) return whole(shapeOfOutput(node, known));
    if (box === null) return null;
    return normalised(partOfPart(box, inner), shapeOfOutput(node, known));
  },
};

export const padRules: RuleTable = { Pad: pad };

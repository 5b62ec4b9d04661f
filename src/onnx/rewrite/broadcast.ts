/**
 * @file Boxes through NumPy broadcasting: which part of an operand a part of the result reads, and where the result
 * is zero given where an operand is.
 */
import { type Dim, type Shape, sameDim } from "../dim.js";
import type { Node } from "../graph.js";
import { type Box, type Range, whole } from "./box.js";
import { type Known, normalised, shapeOfInput, shapeOfOutput } from "./rule.js";

/** Whether an operand's axis is repeated along the result's; undefined where the shapes do not tell. */
function repeated(operand: Dim, result: Dim): boolean | undefined {
  if (sameDim(operand, result)) return false;
  return operand === 1 ? true : undefined;
}

/** The part of an operand that a part of the result reads; undefined where the shapes do not tell. */
export function partOfOperand(box: Box, operand: Shape | undefined, result: Shape): Box | undefined {
  if (operand === undefined || operand.length > result.length) return undefined;
  const skipped = result.length - operand.length;
  const part: (Range | null)[] = [];
  for (const [axis, extent] of operand.entries()) {
    const range = box[axis + skipped] ?? null;
    const spread = range === null ? true : repeated(extent, result[axis + skipped] ?? null);
    if (spread === undefined) return undefined;
    part.push(spread ? null : range);
  }
  return part;
}

/** The box of the result that an operand's box reaches. */
export function reachOfOperand(box: Box | null, operand: Shape | undefined, result: Shape): Box | null {
  if (box === null) return null;
  if (operand === undefined || operand.length > result.length) return whole(result);
  const skipped = result.length - operand.length;
  return result.map((extent, axis) => {
    const range = box[axis - skipped] ?? null;
    return range === null || repeated(operand[axis - skipped] ?? null, extent) !== false ? null : range;
  });
}

/** Parts of all operands of an element-wise node for a part of its result; undefined where the shapes do not tell. */
export function partsOfOperands(node: Node, box: Box, known: Known): (Box | null)[] | undefined {
  const result = shapeOfOutput(node, known);
  if (result === undefined) return undefined;
  const parts: (Box | null)[] = [];
  for (const [i, name] of node.inputs.entries()) {
    if (name === "") {
      parts.push(null);
      continue;
    }
    const part = partOfOperand(box, shapeOfInput(node, i, known), result);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return parts;
}

/** Boxes of the result that the operands' supports reach. */
export function reaches(node: Node, known: Known): (Box | null)[] {
  const result = shapeOfOutput(node, known);
  return node.inputs
    .filter((name) => name !== "")
    .map((name) => {
      const shape = known.shape(name);
      if (result === undefined) return whole(result);
      const reach = reachOfOperand(known.support(name), shape, result);
      return reach === null ? null : normalised(reach, result);
    });
}

/** @file Parts and zeros of operators that take pieces out of tensors and put pieces together. */
import { int, intAttribute } from "../../attributes.js";
import type { Node } from "../../graph.js";
import { type Box, hull, type Range, whole, withRange } from "../box.js";
import {
  frontAxis,
  hasInput,
  inputName,
  type Known,
  meet,
  moveRange,
  normalised,
  partOfPart,
  type Rule,
  type RuleTable,
  shapeOfInput,
  shapeOfOutput,
  shifted,
  supportOfInput,
} from "../rule.js";

/** The part of its input that a Slice is, or undefined where it is none: steps, or bounds known only at run time. */
export function slicedPart(node: Node, known: Known): Box | undefined {
  const shape = shapeOfInput(node, 0, known);
  const starts = known.numbers(inputName(node, 1));
  const ends = known.numbers(inputName(node, 2));
  const steps = hasInput(node, 4) ? known.numbers(inputName(node, 4)) : [];
  const axes = hasInput(node, 3) ? known.numbers(inputName(node, 3)) : starts?.map((_, i) => i);
  if (!shape || !starts || !ends || !axes || !steps?.every((step) => step === 1)) return undefined;
  const part: (Range | null)[] = shape.map(() => null);
  for (const [i, given] of axes.entries()) {
    const axis = frontAxis(given, shape.length);
    if (axis === undefined) return undefined;
    const extent = shape[axis];
    const [start, end] = [starts[i] ?? 0, ends[i] ?? 0];
    if (typeof extent !== "number") {
      if (start === 0 && end >= 2 ** 31 - 1) continue;
      return undefined;
    }
    const from = Math.min(Math.max(start < 0 ? start + extent : start, 0), extent);
    const to = Math.min(Math.max(end < 0 ? end + extent : end, 0), extent);
    if (to <= from) return undefined;
    part[axis] = [from, to];
  }
  return normalised(part, shape);
}

const slice: Rule = {
  part(node, box, known) {
    const outer = slicedPart(node, known);
    if (outer === undefined) return undefined;
    const reads = node.inputs.map((_, i) => (i === 0 ? partOfPart(box, outer) : null));
    return { box, reads, alias: 0 };
  },
  support(node, known) {
    const outer = slicedPart(node, known);
    const box = supportOfInput(node, 0, known);
    if (outer === undefined) return whole(shapeOfOutput(node, known));
    const common = meet(box, outer);
    return common && shifted(common, outer, shapeOfOutput(node, known), -1);
  },
};

const gather: Rule = {
  part(node, box, known) {
    const shape = shapeOfInput(node, 0, known);
    const indices = known.numbers(inputName(node, 1));
    const rank = shapeOfInput(node, 1, known)?.length;
    const axis = shape && frontAxis(intAttribute(node, "axis", 0), shape.length);
    const extent = axis === undefined ? undefined : shape?.[axis];
    if (
      !shape ||
      !indices ||
      axis === undefined ||
      typeof extent !== "number" ||
      (rank !== 0 && rank !== 1)
    ) {
      return undefined;
    }
    const [start, end] = (rank === 1 ? box[axis] : null) ?? [0, indices.length];
    const wanted = indices.slice(start, end).map((i) => (i < 0 ? i + extent : i));
    const [low, high] = [Math.min(...wanted), Math.max(...wanted) + 1];
    if (low < 0 || high > extent) return undefined;
    const outer = [...box.slice(0, axis), null, ...box.slice(axis + rank)];
    const read = normalised(withRange(outer, axis, [low, high]), shape);
    if (rank === 0) {
      return {
        box,
        reads: [read, null],
        emit: (builder, [x = ""], options) => builder.add("Squeeze", [x, builder.ints([axis])], {}, options),
      };
    }
    const consecutive = wanted.every((index, i) => index === low + i);
    const reads = [read, null];
    if (consecutive) return { box, reads, alias: 0 };
    const inner = wanted.map((i) => i - low);
    return {
      box,
      reads,
      emit: (builder, [x = ""], options) =>
        builder.add("Gather", [x, builder.ints(inner)], { axis: int(axis) }, options),
    };
  },
  support(node, known) {
    const box = supportOfInput(node, 0, known);
    const shape = shapeOfInput(node, 0, known);
    const rank = shapeOfInput(node, 1, known)?.length;
    const axis = shape && frontAxis(intAttribute(node, "axis", 0), shape.length);
    if (box === null) return null;
    if (rank === undefined || axis === undefined) return whole(shapeOfOutput(node, known));
    const taken: null[] = Array.from({ length: rank }, () => null);
    return normalised([...box.slice(0, axis), ...taken, ...box.slice(axis + 1)], shapeOfOutput(node, known));
  },
};

/** For each input of a Concat its range along the axis; undefined where an extent is not a plain number. */
function segments(node: Node, axis: number, known: Known): readonly Range[] | undefined {
  let start = 0;
  const ranges: Range[] = [];
  for (const name of node.inputs) {
    const extent = known.shape(name)?.[axis];
    if (typeof extent !== "number") return undefined;
    ranges.push([start, start + extent]);
    start += extent;
  }
  return ranges;
}

function concatAxis(node: Node, known: Known): number | undefined {
  const shape = shapeOfOutput(node, known);
  return shape && frontAxis(intAttribute(node, "axis", 0), shape.length);
}

const concat: Rule = {
  part(node, box, known) {
    const axis = concatAxis(node, known);
    const ranges = axis === undefined ? undefined : segments(node, axis, known);
    if (axis === undefined || ranges === undefined) return undefined;
    const total = ranges.at(-1)?.[1] ?? 0;
    const [start, end] = box[axis] ?? [0, total];
    const reads = ranges.map(([from, to], i) => {
      const common: Range = [Math.max(from, start) - from, Math.min(to, end) - from];
      if (common[0] >= common[1]) return null;
      return normalised(withRange(box, axis, common), known.shape(inputName(node, i)));
    });
    const needed = reads.flatMap((read, i) => (read === null ? [] : [i]));
    const [only] = needed;
    if (only !== undefined && needed.length === 1) return { box, reads, alias: only };
    return {
      box,
      reads,
      emit: (builder, parts, options) =>
        builder.add("Concat", parts.filter(Boolean), { axis: int(axis) }, options),
    };
  },
  support(node, known) {
    const shape = shapeOfOutput(node, known);
    const axis = concatAxis(node, known);
    const ranges = axis === undefined ? undefined : segments(node, axis, known);
    if (!shape || axis === undefined || ranges === undefined) return whole(shape);
    const boxes = node.inputs.flatMap((name, i) => {
      const box = known.support(name);
      const segment = ranges[i];
      if (box === null || segment === undefined) return [];
      return [withRange(box, axis, moveRange(box[axis] ?? [0, segment[1] - segment[0]], segment[0]))];
    });
    const [first, ...rest] = boxes;
    return first === undefined ? null : normalised(rest.reduce(hull, first), shape);
  },
};

/** The part of its input that an output of a Split is. */
function splitPart(node: Node, output: number, known: Known): Box | undefined {
  const shape = shapeOfInput(node, 0, known);
  const axis = shape && frontAxis(intAttribute(node, "axis", 0), shape.length);
  if (!shape || axis === undefined) return undefined;
  let start = 0;
  for (const [i, name] of node.outputs.entries()) {
    const extent = known.shape(name)?.[axis];
    if (typeof extent !== "number") return undefined;
    if (i === output) return normalised(withRange(whole(shape), axis, [start, start + extent]), shape);
    start += extent;
  }
  return undefined;
}

const split: Rule = {
  part(node, box, known, output) {
    const outer = splitPart(node, output, known);
    if (outer === undefined) return undefined;
    const reads = node.inputs.map((_, i) => (i === 0 ? partOfPart(box, outer) : null));
    return { box, reads, alias: 0 };
  },
};

export const selectRules: RuleTable = {
  Slice: slice,
  Gather: gather,
  Concat: concat,
  Split: split,
};

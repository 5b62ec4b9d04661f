/**
 * @file Gradients of indexed reading and writing. Constant indices are turned around once, here; indices that the
 * graph computes are scattered by.
 */
import { int, intAttribute, string, stringAttribute } from "../../onnx/attributes.js";
import { tensorToInts } from "../../onnx/tensor.js";
import { runStart, sumAt } from "../indexing.js";
import type { Contribution, Rule, RuleContext, RuleTable } from "../rule.js";
import { input, inputShape, normalAxis, numbers, output, shapeOf, staticDim, unsupported } from "../rule.js";

const ADD = { reduction: string("add") };

const gather: Rule = (context) => [
  (): Contribution => {
    const shape = inputShape(context, 0);
    const axis = normalAxis(intAttribute(context.node, "axis", 0), shape.length);
    const content = numbers(context, 1) ?? constantIndices(context);
    return content ? gatherConstant(context, axis, content) : gatherComputed(context, axis);
  },
];

/** Indices in a constant that is too large to count as shape arithmetic. */
function constantIndices(context: RuleContext): readonly number[] | undefined {
  const tensor = context.emit.constantOf(input(context, 1));
  return tensor ? tensorToInts(tensor) : undefined;
}

function gatherConstant(context: RuleContext, axis: number, content: readonly number[]): Contribution {
  const { emit, dy } = context;
  const shape = inputShape(context, 0);
  const size = staticDim(context, shape, axis);
  const positions = content.map((index) => (index < 0 ? index + size : index));
  const indexRank = inputShape(context, 1).length;
  const flat = indexRank === 1 ? dy : flattenIndex(context, axis, indexRank, positions.length);
  const start = runStart(positions);
  if (start === undefined) return sumAt(emit, flat, shape.length, axis, positions, size);
  if (positions.length === size) return flat;
  return { kind: "box", value: flat, axis, start, length: positions.length, size };
}

/** The gradient with the axes that the indices brought merged into one (or that one added, for a scalar index). */
function flattenIndex(context: RuleContext, axis: number, indexRank: number, count: number): string {
  const { emit, dy } = context;
  if (indexRank === 0) return emit.unsqueeze(dy, [axis]);
  const shape = shapeOf(context, output(context));
  const merged = [...shape.slice(0, axis), count, ...shape.slice(axis + indexRank)];
  if (merged.filter((extent) => typeof extent !== "number").length > 1) {
    return unsupported(context, "more than one extent is not fixed");
  }
  const dims = merged.map((extent) => (typeof extent === "number" ? extent : -1));
  return emit.op("Reshape", [dy, emit.ints(dims)]);
}

/** Scattered in front, as ScatterND writes along the first axis. */
function gatherComputed(context: RuleContext, axis: number): string {
  const { emit, dy } = context;
  const rank = inputShape(context, 0).length;
  const indexRank = inputShape(context, 1).length;
  const axes = Array.from({ length: rank }, (_, i) => i);
  const others = axes.filter((i) => i !== axis);
  const toFront = [axis, ...others];
  const back = axes.map((i) => toFront.indexOf(i));
  const dyAxes = Array.from({ length: rank + indexRank - 1 }, (_, i) => i);
  const indexAxes = dyAxes.slice(axis, axis + indexRank);
  const dyToFront = [...indexAxes, ...dyAxes.filter((i) => !indexAxes.includes(i))];
  const zeros = emit.zerosLike(emit.transpose(input(context, 0), toFront));
  const indices = emit.unsqueeze(input(context, 1), [indexRank]);
  return emit.transpose(emit.op("ScatterND", [zeros, indices, emit.transpose(dy, dyToFront)], ADD), back);
}

const gatherElements: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    const x = input(context, 0);
    const axis = int(intAttribute(node, "axis", 0));
    return emit.op("ScatterElements", [emit.zerosLike(x), input(context, 1), dy], { axis, ...ADD });
  },
];

const gatherNd: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    if (intAttribute(node, "batch_dims", 0) !== 0) unsupported(context, "batch_dims is not 0");
    return emit.op("ScatterND", [emit.zerosLike(input(context, 0)), input(context, 1), dy], ADD);
  },
];

/** Written elements get their gradient from where they were written; what they replaced gets none. */
const scatter =
  (write: string, read: string): Rule =>
  (context) => {
    const { emit, node, dy } = context;
    const reduction = stringAttribute(node, "reduction", "none");
    if (reduction !== "none" && reduction !== "add") unsupported(context, `its reduction is "${reduction}"`);
    const indices = input(context, 1);
    const axis = write === "ScatterElements" ? { axis: int(intAttribute(node, "axis", 0)) } : {};
    return [
      () => {
        if (reduction === "add") return dy;
        return emit.op(write, [dy, indices, emit.zerosLike(input(context, 2))], axis);
      },
      undefined,
      () => emit.op(read, [dy, indices], axis),
    ];
  };

/** The sum runs the other way. */
const cumSum: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    const reverse = int(1 - intAttribute(node, "reverse", 0));
    const exclusive = int(intAttribute(node, "exclusive", 0));
    return emit.op("CumSum", [dy, input(context, 1)], { exclusive, reverse });
  },
];

const trilu: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    const diagonal = node.inputs[1] ? [node.inputs[1]] : [];
    return emit.op("Trilu", [dy, ...diagonal], { upper: int(intAttribute(node, "upper", 1)) });
  },
];

export const gatherRules: RuleTable = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ScatterElements: scatter("ScatterElements", "GatherElements"),
  ScatterND: scatter("ScatterND", "GatherND"),
  CumSum: cumSum,
  Trilu: trilu,
};

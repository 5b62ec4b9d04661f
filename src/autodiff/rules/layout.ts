/**
 * @file Gradients of operators that move or repeat elements without calculating: the same movement backwards, and a
 * sum where elements were repeated.
 */
import { int, intAttribute, ints, intsAttribute, string, stringAttribute } from "../../onnx/attributes.js";
import { isFloatType } from "../../onnx/data-type.js";
import { unbroadcast } from "../broadcast.js";
import type { Rule, RuleTable } from "../rule.js";
import {
  constantNumbers,
  input,
  inputShape,
  optionalInput,
  output,
  staticDim,
  unsupported,
} from "../rule.js";

const pass: Rule = (context) => [() => context.dy];

/** Any rearrangement that keeps the row-major order. */
const reshape: Rule = (context) => [
  () => context.emit.reshape(context.dy, inputShape(context, 0), input(context, 0)),
];

const transpose: Rule = (context) => [
  () => {
    const rank = inputShape(context, 0).length;
    const reversed = Array.from({ length: rank }, (_, i) => rank - 1 - i);
    const perm = intsAttribute(context.node, "perm") ?? reversed;
    const inverse = perm.map((_, axis) => perm.indexOf(axis));
    return context.emit.transpose(context.dy, inverse);
  },
];

const expand: Rule = (context) => [
  () => unbroadcast(context, context.dy, output(context), input(context, 0)),
];

/** Each axis of extent d repeated r times is an axis r before an axis d; the sum goes over the former. */
const tile: Rule = (context) => [
  () => {
    const { emit, dy } = context;
    const repeats = constantNumbers(context, 1);
    const shape = inputShape(context, 0);
    const open = shape.filter((extent) => typeof extent !== "number").length;
    if (open > 1) return unsupported(context, "more than one extent of its input is not fixed");
    const parts = shape.flatMap((extent, i) => [repeats[i] ?? 1, typeof extent === "number" ? extent : -1]);
    const axes = repeats.flatMap((repeat, i) => (repeat === 1 ? [] : [2 * i]));
    const sum = emit.reduceSum(emit.op("Reshape", [dy, emit.ints(parts)]), axes, false);
    return emit.reshape(sum, shape, input(context, 0));
  },
];

const cast: Rule = (context) => [
  () => {
    const { emit, dy } = context;
    const from = emit.dtype(input(context, 0));
    return isFloatType(from) ? emit.cast(dy, from) : undefined;
  },
  // What CastLike takes the type of has no influence on the values.
  () => undefined,
];

/** At inference dropout passes its input on; a ratio is for training alone. */
const dropout: Rule = (context) => {
  const mode = optionalInput(context, 2);
  const training = mode === undefined ? undefined : context.emit.constantOf(mode);
  if (mode !== undefined && training?.bytes[0] !== 0) unsupported(context, "it is in training mode");
  return [() => context.dy];
};

const depthToSpace: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    const blocksize = int(intAttribute(node, "blocksize", 1));
    if (stringAttribute(node, "mode", "DCR") === "DCR") return emit.op("SpaceToDepth", [dy], { blocksize });
    // CRD counts channels before positions in the block, which SpaceToDepth does not know: by hand.
    const b = intAttribute(node, "blocksize", 1);
    const shape = inputShape(context, 0);
    const [c, h, w] = [1, 2, 3].map((axis) => staticDim(context, shape, axis));
    const apart = emit.op("Reshape", [dy, emit.ints([-1, (c ?? 0) / (b * b), h ?? 0, b, w ?? 0, b])]);
    const moved = emit.op("Transpose", [apart], { perm: ints([0, 1, 3, 5, 2, 4]) });
    return emit.reshape(moved, shape, input(context, 0));
  },
];

const spaceToDepth: Rule = (context) => [
  () => {
    const blocksize = int(intAttribute(context.node, "blocksize", 1));
    return context.emit.op("DepthToSpace", [context.dy], { blocksize, mode: string("DCR") });
  },
];

export const layoutRules: RuleTable = {
  Identity: pass,
  Dropout: dropout,
  Cast: cast,
  CastLike: cast,
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: transpose,
  Expand: expand,
  Tile: tile,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};

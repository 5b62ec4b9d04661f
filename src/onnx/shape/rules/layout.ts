/** @file Shapes of operators that re-arrange elements without choosing among them: Reshape, Transpose, Squeeze, … */
import { intAttribute, intsAttribute, stringAttribute } from "../../attributes.js";
import { type Dim, divDim, mulDim, type Shape, sameDim } from "../../dim.js";
import {
  axesOf,
  axisAttribute,
  broadcast,
  type InferRule,
  inputInts,
  inputShape,
  inputType,
  normalAxis,
  product,
  type RuleTable,
  withDim,
} from "../rule.js";

/** Size of a over size of b, where dimensions unknown in both but standing at the same place cancel. */
function ratio(a: Shape, b: Shape): Dim {
  const left = [...a];
  const right: Dim[] = [];
  for (const d of b) {
    const same = left.findIndex((other) => sameDim(other, d));
    if (same >= 0) left.splice(same, 1);
    else right.push(d);
  }
  const top = product(left);
  const bottom = product(right);
  return right.length === 0 ? top : divDim(top, bottom);
}

/** The dimensions that Reshape gives for a target in which 0 copies and −1 is what is left. */
export function reshapeShape(source: Shape | undefined, target: readonly Dim[], allowZero: boolean): Shape {
  const copied = target.map((d, i) => (d === 0 && !allowZero ? (source?.[i] ?? null) : d));
  const open = copied.indexOf(-1);
  if (open < 0) {
    // One unknown dimension follows from the number of elements.
    const unknown = copied.flatMap((d, i) => (d === null ? [i] : []));
    const [only] = unknown;
    if (source === undefined || unknown.length !== 1 || only === undefined) return copied;
    return withDim(copied, only, ratio(source, copied.toSpliced(only, 1)));
  }
  if (source === undefined) return withDim(copied, open, null);
  // Dimensions copied with 0 cancel even where they are unknown.
  const rest = copied.flatMap((d, i) => (i === open || (target[i] === 0 && !allowZero) ? [] : [d]));
  const kept = source.filter((_, i) => allowZero || target[i] !== 0);
  return withDim(copied, open, ratio(kept, rest));
}

const reshape: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const target = inputInts(node, 1, context);
  if (target === undefined) {
    const rank = inputShape(node, 1, context)?.[0];
    return [{ dtype, shape: typeof rank === "number" ? new Array<Dim>(rank).fill(null) : undefined }];
  }
  return [{ dtype, shape: reshapeShape(shape, target, intAttribute(node, "allowzero", 0) !== 0) }];
};

const flatten: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  if (shape === undefined) return [{ dtype, shape: [null, null] }];
  const axis = normalAxis(intAttribute(node, "axis", 1), shape.length);
  return [{ dtype, shape: [product(shape, 0, axis), product(shape, axis)] }];
};

const transpose: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  if (shape === undefined) return [{ dtype, shape }];
  const order = intsAttribute(node, "perm") ?? [...shape.keys()].reverse();
  return [{ dtype, shape: order.map((axis) => shape[axis] ?? null) }];
};

const squeeze: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const axes = axesOf(node, 1, context);
  if (shape === undefined || axes === null) return [{ dtype, shape: undefined }];
  if (axes === undefined) {
    return [{ dtype, shape: shape.includes(null) ? undefined : shape.filter((d) => d !== 1) }];
  }
  const dropped = new Set(axes.map((axis) => normalAxis(axis, shape.length)));
  return [{ dtype, shape: shape.filter((_, i) => !dropped.has(i)) }];
};

const unsqueeze: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const axes = axesOf(node, 1, context);
  if (shape === undefined || axes === null || axes === undefined) return [{ dtype, shape: undefined }];
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((axis) => normalAxis(axis, rank)));
  let next = 0;
  return [
    { dtype, shape: Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : (shape[next++] ?? null))) },
  ];
};

const expand: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const target = inputInts(node, 1, context);
  if (target !== undefined) return [{ dtype, shape: broadcast([shape, target]) }];
  const rank = inputShape(node, 1, context)?.[0];
  if (shape === undefined || typeof rank !== "number") return [{ dtype, shape: undefined }];
  return [{ dtype, shape: new Array<Dim>(Math.max(rank, shape.length)).fill(null) }];
};

const tile: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const repeats = inputInts(node, 1, context);
  return [{ dtype, shape: shape?.map((d, i) => mulDim(d, repeats?.[i] ?? null)) }];
};

const depthToSpace: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const block = intAttribute(node, "blocksize", 1);
  if (shape?.length !== 4) return [{ dtype, shape: undefined }];
  const [n = null, c = null, h = null, w = null] = shape;
  return [{ dtype, shape: [n, divDim(c, block * block), mulDim(h, block), mulDim(w, block)] }];
};

const spaceToDepth: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const block = intAttribute(node, "blocksize", 1);
  if (shape?.length !== 4) return [{ dtype, shape: undefined }];
  const [n = null, c = null, h = null, w = null] = shape;
  return [{ dtype, shape: [n, mulDim(c, block * block), divDim(h, block), divDim(w, block)] }];
};

/** com.microsoft's fused rotary embedding and others keep the layout; ONNX's own too. */
const rotary: InferRule = (node, context) => [inputType(node, 0, context)];

const oneHot: InferRule = (node, context) => {
  const shape = inputShape(node, 0, context);
  const depth = inputInts(node, 1, context)?.[0] ?? null;
  const { dtype } = inputType(node, 2, context);
  if (shape === undefined) return [{ dtype, shape }];
  const axis = axisAttribute(node, -1, shape.length + 1) ?? shape.length;
  return [{ dtype, shape: shape.toSpliced(axis, 0, depth) }];
};

/** Attention map operators of ai.onnx 23: only the first output's shape is of use, since they are expanded. */
const attention: InferRule = (node, context) => {
  const { dtype, shape: q } = inputType(node, 0, context);
  const v = inputShape(node, 2, context);
  if (q === undefined || v === undefined) return [{ dtype, shape: undefined }];
  if (q.length === 4) return [{ dtype, shape: [q[0] ?? null, q[1] ?? null, q[2] ?? null, v[3] ?? null] }];
  const heads = intAttribute(node, "q_num_heads", 0);
  const keyHeads = intAttribute(node, "kv_num_heads", heads);
  const width = mulDim(divDim(v[2] ?? null, keyHeads), heads);
  return [{ dtype, shape: [q[0] ?? null, q[1] ?? null, width] }];
};

const resize: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  if (shape === undefined || stringAttribute(node, "keep_aspect_ratio_policy", "stretch") !== "stretch") {
    return [{ dtype, shape: shape?.map(() => null) }];
  }
  const given = intsAttribute(node, "axes") ?? [...shape.keys()];
  const axes = given.map((axis) => normalAxis(axis, shape.length));
  const scales = inputInts(node, 2, context);
  const sizes = inputInts(node, 3, context);
  return [
    {
      dtype,
      shape: shape.map((d, i) => {
        const at = axes.indexOf(i);
        if (at < 0) return d;
        if (sizes && sizes.length > 0) return sizes[at] ?? null;
        const scale = scales?.[at];
        if (scale === 1) return d;
        if (typeof scale !== "number" || typeof d !== "number") return null;
        return Math.floor(d * scale);
      }),
    },
  ];
};

export const layoutRules: RuleTable = {
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Expand: expand,
  Tile: tile,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  RotaryEmbedding: rotary,
  OneHot: oneHot,
  Attention: attention,
  Resize: resize,
};

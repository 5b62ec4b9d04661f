/** @file Shapes of convolution and pooling. */
import { intAttribute, intsAttribute, stringAttribute } from "../../attributes.js";
import type { Dim, Shape } from "../../dim.js";
import type { DataType, Node } from "../../graph.js";
import { type InferRule, inputShape, inputType, type RuleTable } from "../rule.js";

interface Window {
  readonly kernel: readonly Dim[];
  readonly ceil: boolean;
}

/** Spatial dimensions after a window slides over them. */
function slide(node: Node, spatial: Shape, { kernel, ceil }: Window): Shape {
  const strides = intsAttribute(node, "strides");
  const dilations = intsAttribute(node, "dilations");
  const pads = intsAttribute(node, "pads");
  const auto = stringAttribute(node, "auto_pad", "NOTSET");
  return spatial.map((size, i) => {
    const extent = kernel[i];
    if (typeof size !== "number" || typeof extent !== "number") return null;
    const stride = strides?.[i] ?? 1;
    if (auto.startsWith("SAME")) return Math.ceil(size / stride);
    const reach = (extent - 1) * (dilations?.[i] ?? 1) + 1;
    const before = auto === "VALID" ? 0 : (pads?.[i] ?? 0);
    const after = auto === "VALID" ? 0 : (pads?.[i + spatial.length] ?? 0);
    const steps = (size + before + after - reach) / stride;
    if (!ceil) return Math.floor(steps) + 1;
    // A window that would start in the padding behind the image is dropped.
    const out = Math.ceil(steps) + 1;
    return (out - 1) * stride >= size + before ? out - 1 : out;
  });
}

const conv =
  (weight = 1, dtypeFrom = 0, fixed?: DataType): InferRule =>
  (node, context) => {
    const { shape } = inputType(node, 0, context);
    const dtype = fixed ?? inputType(node, dtypeFrom, context).dtype;
    const w = inputShape(node, weight, context);
    if (shape === undefined || w === undefined) return [{ dtype, shape: undefined }];
    const kernel = intsAttribute(node, "kernel_shape") ?? w.slice(2);
    return [
      {
        dtype,
        shape: [shape[0] ?? null, w[0] ?? null, ...slide(node, shape.slice(2), { kernel, ceil: false })],
      },
    ];
  };

const convTranspose: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const w = inputShape(node, 1, context);
  if (shape === undefined || w === undefined) return [{ dtype, shape: undefined }];
  const channels = typeof w[1] === "number" ? w[1] * intAttribute(node, "group", 1) : null;
  const plain = stringAttribute(node, "auto_pad", "NOTSET") === "NOTSET";
  const given = intsAttribute(node, "output_shape");
  const spatial = shape.slice(2).map((size, i) => {
    if (given) return given[i] ?? null;
    const kernel = w[i + 2];
    if (!plain || typeof size !== "number" || typeof kernel !== "number") return null;
    const stride = intsAttribute(node, "strides")?.[i] ?? 1;
    const dilation = intsAttribute(node, "dilations")?.[i] ?? 1;
    const pads = intsAttribute(node, "pads");
    const cut = (pads?.[i] ?? 0) + (pads?.[i + shape.length - 2] ?? 0);
    return (
      stride * (size - 1) +
      (intsAttribute(node, "output_padding")?.[i] ?? 0) +
      (kernel - 1) * dilation +
      1 -
      cut
    );
  });
  return [{ dtype, shape: [shape[0] ?? null, channels, ...spatial] }];
};

const pool: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const kernel = intsAttribute(node, "kernel_shape");
  const ceil = intAttribute(node, "ceil_mode", 0) !== 0;
  const out = shape &&
    kernel && [shape[0] ?? null, shape[1] ?? null, ...slide(node, shape.slice(2), { kernel, ceil })];
  return [
    { dtype, shape: out },
    { dtype: "int64", shape: out },
  ];
};

const globalPool: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  return [{ dtype, shape: shape?.map((d, i) => (i < 2 ? d : 1)) }];
};

export const convolutionRules: RuleTable = {
  Conv: conv(),
  ConvInteger: conv(1, 0, "int32"),
  QLinearConv: conv(3, 7),
  "com.microsoft:FusedConv": conv(),
  "com.microsoft.nchwc:Conv": conv(),
  ConvTranspose: convTranspose,
  AveragePool: pool,
  MaxPool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
};

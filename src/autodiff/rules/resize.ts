/**
 * @file The gradient of Resize. Resizing is linear, one axis at a time, so its matrix along an axis is what Resize
 * makes of an identity matrix: a constant that is folded at load, right for every mode the runtime knows.
 */
import { intsAttribute, stringAttribute } from "../../onnx/attributes.js";
import type { Attributes } from "../../onnx/builder.js";
import { isStatic } from "../../onnx/dim.js";
import { float32Tensor, tensorToNumbers } from "../../onnx/tensor.js";
import type { Rule, RuleContext, RuleTable } from "../rule.js";
import { constant, inputShape, normalAxis, output, shapeOf, staticDim, unsupported } from "../rule.js";

/** R with y = R·x along the axis, [extent of y, extent of x]: Resize of an identity matrix laid out as an image. */
function matrixAlong(context: RuleContext, axis: number, from: number, to: number): string {
  const { emit, node } = context;
  const identity = new Float32Array(from * from);
  for (let i = 0; i < from; i++) identity[i * from + i] = 1;
  const image = emit.constant(float32Tensor([1, 1, from, from], identity));
  const { axes: _, keep_aspect_ratio_policy: __, ...attributes } = node.attributes;
  const scales = constant(context, 2);
  const given = scales && scales.dims[0] !== 0 ? tensorToNumbers(scales) : undefined;
  const listed = intsAttribute(node, "axes")?.map((a) => normalAxis(a, inputShape(context, 0).length));
  const scale = given?.[listed ? listed.indexOf(axis) : axis];
  const size = scale === undefined ? ["", emit.ints([1, 1, to, from])] : [scalesOf(context, scale)];
  return emit.op("Reshape", [
    emit.op("Resize", [image, "", ...size], attributes as Attributes),
    emit.ints([to, from]),
  ]);
}

const scalesOf = ({ emit }: RuleContext, scale: number): string =>
  emit.constant(float32Tensor([4], [1, 1, scale, 1]));

/** dx = Rᵀ·dy along each axis that was resized. */
const resize: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    if (stringAttribute(node, "coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize") {
      return unsupported(context, "tf_crop_and_resize has no rule");
    }
    const from = inputShape(context, 0);
    const to = shapeOf(context, output(context));
    const rank = from.length;
    return from.reduce<string>((value, extent, axis) => {
      const target = to[axis];
      if (!isStatic(extent) || !isStatic(target)) {
        const same = JSON.stringify(extent) === JSON.stringify(target);
        return same ? value : unsupported(context, `axis ${axis} has no fixed extent`);
      }
      if (extent === target) return value;
      const matrix = matrixAlong(context, axis, staticDim(context, from, axis), target);
      const perm = Array.from({ length: rank }, (_, i) => i);
      perm[axis] = rank - 1;
      perm[rank - 1] = axis;
      return emit.transpose(emit.matmul(emit.transpose(value, perm), matrix), perm);
    }, dy);
  },
];

export const resizeRules: RuleTable = { Resize: resize };

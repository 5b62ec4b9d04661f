/** @file Gradients of the norms that are not over the last axes: batch, instance, group and Lp. */
import { floatAttribute, intAttribute } from "../../onnx/attributes.js";
import type { Emitter } from "../emitter.js";
import type { Rule, RuleContext, RuleTable } from "../rule.js";
import { input, inputShape, normalAxis, output, staticDim, unsupported } from "../rule.js";
import { projectOut } from "./layer-norm.js";

/** A vector over channels (axis 1) as it broadcasts against a value of this rank. */
const perChannel = (emit: Emitter, vector: string, rank: number): string =>
  emit.unsqueeze(
    vector,
    Array.from({ length: rank - 2 }, (_, i) => i + 1),
  );

/** With fixed statistics a batch norm is a factor for each channel. */
const batchNorm: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    if (intAttribute(node, "training_mode", 0) !== 0) unsupported(context, "it is in training mode");
    const variance = input(context, 4);
    const epsilon = emit.scalar(floatAttribute(node, "epsilon", 1e-5), variance);
    const deviation = emit.op("Sqrt", [emit.add(variance, epsilon)]);
    const factor = emit.div(input(context, 1), deviation);
    return emit.mul(dy, perChannel(emit, factor, inputShape(context, 0).length));
  },
];

/** Gradient of the normalised rows of x over `axes`, given h = dy⊙γ. */
function throughStatistics(context: RuleContext, x: string, h: string, axes: readonly number[]): string {
  const { emit, node } = context;
  const rows = emit.sub(x, emit.reduceMean(x, axes));
  const variance = emit.reduceMean(emit.mul(rows, rows), axes);
  const epsilon = emit.scalar(floatAttribute(node, "epsilon", 1e-5), x);
  const inverse = emit.op("Reciprocal", [emit.op("Sqrt", [emit.add(variance, epsilon)])]);
  return projectOut(emit, emit.sub(h, emit.reduceMean(h, axes)), rows, inverse, axes);
}

const instanceNorm: Rule = (context) => [
  () => {
    const { emit, dy } = context;
    const rank = inputShape(context, 0).length;
    const axes = Array.from({ length: rank - 2 }, (_, i) => i + 2);
    const h = emit.mul(dy, perChannel(emit, input(context, 1), rank));
    return throughStatistics(context, input(context, 0), h, axes);
  },
];

/** Scale for each group (opset 18) or each channel (21). */
const groupNorm: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    const shape = inputShape(context, 0);
    const groups = intAttribute(node, "num_groups", 1);
    const channels = staticDim(context, shape, 1);
    const grouped = (value: string) => emit.op("Reshape", [value, emit.ints([0, groups, -1])]);
    const byGroup = inputShape(context, 1)[0] === groups && groups !== channels;
    const scale = perChannel(emit, input(context, 1), byGroup ? 3 : shape.length);
    const h = byGroup ? emit.mul(grouped(dy), scale) : grouped(emit.mul(dy, scale));
    const gradient = throughStatistics(context, grouped(input(context, 0)), h, [2]);
    return emit.reshape(gradient, shape, input(context, 0));
  },
];

/** y = x/‖x‖ₚ, the norm kept from 0 as torch.nn.functional.normalize does. */
const lpNorm: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    const x = input(context, 0);
    const y = output(context);
    const axis = normalAxis(intAttribute(node, "axis", -1), inputShape(context, 0).length);
    const p = intAttribute(node, "p", 2);
    const component = emit.reduceSum(emit.mul(dy, y), [axis], true);
    const direction = p === 2 ? y : emit.op("Sign", [x]);
    const size = p === 2 ? emit.op("Mul", [x, x]) : emit.op("Abs", [x]);
    const sum = emit.reduceSum(size, [axis], true);
    const norm = emit.op("Max", [p === 2 ? emit.op("Sqrt", [sum]) : sum, emit.scalar(1e-12, x)]);
    return emit.div(emit.sub(dy, emit.mul(direction, component)), norm);
  },
];

export const normalisationRules: RuleTable = {
  BatchNormalization: batchNorm,
  InstanceNormalization: instanceNorm,
  GroupNormalization: groupNorm,
  LpNormalization: lpNorm,
};

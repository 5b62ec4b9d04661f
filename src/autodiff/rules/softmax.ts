/**
 * @file Gradients of softmax. The product dy⊙y is written as it is, since gradient rollout wants the same one
 * (attention times its gradient) and then shares it.
 */
import { intAttribute } from "../../onnx/attributes.js";
import type { Rule, RuleTable } from "../rule.js";
import { inputShape, normalAxis, output } from "../rule.js";

/** dx = y⊙(dy − Σm) with m = dy⊙y: as many passes as m − y·Σm, but two of them can be made in place. */
const softmax: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    const y = output(context);
    const axis = normalAxis(intAttribute(node, "axis", -1), inputShape(context, 0).length);
    const product = emit.mul(y, dy);
    return emit.mul(y, emit.sub(dy, emit.reduceSum(product, [axis], true)));
  },
];

/** dx = dy − e^y·Σdy. */
const logSoftmax: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    const axis = normalAxis(intAttribute(node, "axis", -1), inputShape(context, 0).length);
    const probabilities = emit.op("Exp", [output(context)]);
    return emit.sub(dy, emit.mul(probabilities, emit.reduceSum(dy, [axis], true)));
  },
];

export const softmaxRules: RuleTable = { Softmax: softmax, LogSoftmax: logSoftmax };

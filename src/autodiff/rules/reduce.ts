/**
 * @file Gradients of reductions: what was summed away is spread out again (`Spread`), weighted by the operator.
 */
import { intAttribute, intsAttribute } from "../../onnx/attributes.js";
import type { Contribution, Rule, RuleContext, RuleTable } from "../rule.js";
import { constantNumbers, input, inputShape, normalAxis, optionalInput, output, staticDim } from "../rule.js";

interface Reduction {
  readonly context: RuleContext;
  readonly x: string;
  /** Result and its gradient with the reduced axes kept. */
  readonly y: string;
  readonly dy: string;
  readonly axes: readonly number[];
}

/** Axes as input (since opset 18; ReduceSum since 13) or attribute; none means all, or none by noop_with_empty_axes. */
function reducedAxes(context: RuleContext): readonly number[] {
  const { node } = context;
  const rank = inputShape(context, 0).length;
  const given = optionalInput(context, 1) ? constantNumbers(context, 1) : intsAttribute(node, "axes");
  if (given && given.length > 0) return given.map((axis) => normalAxis(axis, rank)).sort((a, b) => a - b);
  if (intAttribute(node, "noop_with_empty_axes", 0) !== 0) return [];
  return Array.from({ length: rank }, (_, axis) => axis);
}

function reduction(formula: (r: Reduction) => Contribution): Rule {
  return (context) => [
    () => {
      const { emit, node, dy } = context;
      const axes = reducedAxes(context);
      const lost = intAttribute(node, "keepdims", 1) === 0 ? axes : [];
      return formula({
        context,
        x: input(context, 0),
        y: emit.unsqueeze(output(context), lost),
        dy: emit.unsqueeze(dy, lost),
        axes,
      });
    },
  ];
}

const spread = (value: string): Contribution => ({ kind: "spread", value });

function mean({ context, dy, axes }: Reduction): Contribution {
  const shape = inputShape(context, 0);
  const count = axes.reduce((product, axis) => product * staticDim(context, shape, axis), 1);
  return spread(context.emit.scale(dy, 1 / count));
}

/** Shared equally by the elements that are the extremum (as PyTorch's amax). */
function extremum({ context: { emit }, x, y, dy, axes }: Reduction): string {
  const taken = emit.indicator(emit.op("Equal", [x, y]), x);
  return emit.mul(taken, emit.div(dy, emit.reduceSum(taken, axes, true)));
}

/** x/‖x‖, and 0 for a row of zeros (as PyTorch), which padded windows have. */
function norm2({ context: { emit }, x, y, dy }: Reduction): string {
  return emit.mul(x, emit.div(dy, emit.op("Max", [y, emit.scalar(1e-30, y)])));
}

export const reduceRules: RuleTable = {
  ReduceSum: reduction(({ dy }) => spread(dy)),
  ReduceMean: reduction(mean),
  ReduceMax: reduction(extremum),
  ReduceMin: reduction(extremum),
  ReduceL2: reduction(norm2),
  ReduceL1: reduction(({ context: { emit }, x, dy }) => emit.mul(emit.op("Sign", [x]), dy)),
  ReduceSumSquare: reduction(({ context: { emit }, x, dy }) => emit.mul(x, emit.scale(dy, 2))),
  // y/x fails at x = 0, where the product of the others is not y/x; exports reduce products of shapes, not of these.
  ReduceProd: reduction(({ context: { emit }, x, y, dy }) => emit.div(emit.mul(dy, y), x)),
  ReduceLogSum: reduction(({ context: { emit }, y, dy }) => spread(emit.div(dy, emit.op("Exp", [y])))),
  ReduceLogSumExp: reduction(({ context: { emit }, x, y, dy }) =>
    emit.mul(dy, emit.op("Exp", [emit.sub(x, y)])),
  ),
};

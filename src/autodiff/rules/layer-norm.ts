/**
 * @file Gradients of LayerNorm and RMSNorm. Where the gradient comes straight out of linear layers, the norm's scale
 * and the centring are folded into their weights (constants that ONNX Runtime folds at load), which leaves
 * dx = inv·(h − x̂·mean(h⊙x̂)).
 */
import { floatAttribute, intAttribute } from "../../onnx/attributes.js";
import type { Node, Tensor } from "../../onnx/graph.js";
import { tensorToNumbers } from "../../onnx/tensor.js";
import { sumTo, unbroadcast } from "../broadcast.js";
import type { Emitter } from "../emitter.js";
import type { Forward } from "../forward.js";
import { multiplyOut } from "../linear.js";
import type { Rule, RuleContext, RuleTable } from "../rule.js";
import { constant, input, inputShape, normalAxis, optionalInput, output, rankOf } from "../rule.js";

/** Has the operator leave the row statistics that it computes anyway. */
export const layerNormForward: Forward = (node, emit) => {
  const [y = "", mean, inverse] = node.outputs;
  const saved = { mean: mean || emit.fresh("mean"), inverse: inverse || emit.fresh("inverse") };
  return {
    saved,
    result: {
      op: node.op,
      inputs: node.inputs,
      attributes: node.attributes,
      outputs: [y, saved.mean, saved.inverse],
    },
  };
};

/** The axes that are normalised over. */
function normalisedAxes(node: Node, rank: number): readonly number[] {
  const axis = normalAxis(intAttribute(node, "axis", -1), rank);
  return Array.from({ length: rank - axis }, (_, i) => axis + i);
}

/**
 * inv·(h − c·inv²·mean(h⊙c)) for rows c that are centred (or not to be, for RMSNorm), h already centred where it must be.
 */
export function projectOut(
  emit: Emitter,
  h: string,
  rows: string,
  inverse: string,
  axes: readonly number[],
): string {
  const component = emit.reduceMean(emit.mul(h, rows), axes);
  const coefficient = emit.mul(component, emit.mul(inverse, inverse));
  return emit.mul(emit.sub(h, emit.mul(rows, coefficient)), inverse);
}

/** dy⊙γ; with `centred`, minus its mean over the row. From linear pieces, both are done to the weights. */
export function scaledGradient(
  context: RuleContext,
  scale: string | undefined,
  axes: readonly number[],
  centred: boolean,
): string {
  const { emit } = context;
  const pieces = context.linear();
  const vector = scale === undefined || (constant(context, 1) !== undefined && rankOf(context, scale) === 1);
  if (pieces?.every(({ fixed }) => fixed) && vector && axes.length === 1) {
    return multiplyOut(emit, pieces, (weight) => {
      const scaled = scale === undefined ? weight : emit.mul(weight, scale);
      return centred ? emit.sub(scaled, emit.reduceMean(scaled, [1])) : scaled;
    });
  }
  const h = scale === undefined ? context.dy : emit.mul(context.dy, scale);
  return centred ? emit.sub(h, emit.reduceMean(h, axes)) : h;
}

/** Whether the norm neither scales nor shifts: its output is x̂ itself. */
function isPlain(context: RuleContext): boolean {
  const scale = constant(context, 1);
  return optionalInput(context, 2) === undefined && scale !== undefined && isOnes(scale);
}

const isOnes = (tensor: Tensor): boolean => tensorToNumbers(tensor).every((value) => value === 1);

const layerNorm: Rule = (context) => {
  const { emit, node, saved } = context;
  const { mean = "", inverse = "" } = saved;
  const x = input(context, 0);
  const axes = normalisedAxes(node, inputShape(context, 0).length);
  const scale = optionalInput(context, 1);
  const rows = () => emit.sub(x, mean);
  return [
    () => {
      if (!isPlain(context)) {
        return projectOut(emit, scaledGradient(context, scale, axes, true), rows(), inverse, axes);
      }
      const h = scaledGradient(context, undefined, axes, true);
      const y = output(context);
      const component = emit.reduceMean(emit.mul(h, y), axes);
      return emit.mul(emit.sub(h, emit.mul(y, component)), inverse);
    },
    () => unbroadcast(context, emit.mul(context.dy, emit.mul(rows(), inverse)), x, input(context, 1)),
    () => unbroadcast(context, context.dy, output(context), input(context, 2)),
  ];
};

/** y = x·γ/√(mean x² + ε). */
const rmsNorm: Rule = (context) => {
  const { emit, node } = context;
  const x = input(context, 0);
  const shape = inputShape(context, 0);
  const axes = normalisedAxes(node, shape.length);
  const inverse = () => {
    const power = emit.reduceMean(emit.mul(x, x), axes);
    const epsilon = emit.scalar(floatAttribute(node, "epsilon", 1e-5), x);
    return emit.op("Reciprocal", [emit.op("Sqrt", [emit.add(power, epsilon)])]);
  };
  return [
    () => {
      const h = scaledGradient(context, optionalInput(context, 1), axes, false);
      return projectOut(emit, h, x, inverse(), axes);
    },
    () => {
      const full = emit.mul(context.dy, emit.mul(x, inverse()));
      return sumTo(context, full, shape, inputShape(context, 1));
    },
  ];
};

export const layerNormRules: RuleTable = {
  LayerNormalization: layerNorm,
  RMSNormalization: rmsNorm,
  SimplifiedLayerNormalization: rmsNorm,
};

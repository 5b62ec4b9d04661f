/** @file Normalisations with a residual sum inside, and RMS normalisation, in primitives and LayerNormalization. */
import { float, floatAttribute, int, intAttribute } from "../attributes.js";
import type { Node } from "../graph.js";
import { normalAxis } from "../shape/rule.js";
import { type Expansion, type ExpansionTable, has, input, type Writer, wants } from "./expansion.js";

/** x + skip (+ bias), under the name of the fourth output where that is asked for. */
function residual(node: Node, to: Writer, biasIndex: number): string {
  const sumName = node.outputs[3];
  const terms = has(node, biasIndex) ? [1, biasIndex] : [1];
  return terms.reduce(
    (sum, index, i) =>
      to.add("Add", [sum, input(node, index)], {}, i === terms.length - 1 ? sumName : undefined),
    input(node, 0),
  );
}

/** Inputs: input, skip, gamma, beta?, bias?. Outputs: normalised, mean, inverse deviation, sum. */
const skipLayerNorm: Expansion = (node, to) => {
  const sum = residual(node, to, 4);
  const affine = has(node, 3) ? [input(node, 2), input(node, 3)] : [input(node, 2)];
  const attributes = { axis: int(-1), epsilon: float(floatAttribute(node, "epsilon", 1e-12)) };
  to.addNamed("LayerNormalization", [sum, ...affine], attributes, node.outputs.slice(0, 3));
  return true;
};

/** x / sqrt(mean(x²) + ε) · scale over the axes from `axis` on. */
function rms(
  to: Writer,
  x: string,
  scale: string,
  axes: readonly number[],
  epsilon: number,
  output?: string,
): void {
  const square = to.add("Mul", [x, x]);
  const mean = to.add("ReduceMean", [square, to.graph.ints(axes, "axes")], { keepdims: int(1) });
  const deviation = to.add("Sqrt", [to.add("Add", [mean, to.scalar(epsilon, x)])]);
  const normal = to.add("Div", [x, deviation]);
  to.add("Mul", [normal, scale], {}, output);
}

const rmsNorm: Expansion = (node, to) => {
  const rank = to.shape(input(node, 0))?.length;
  if (rank === undefined || wants(node, 1)) return false;
  const axis = normalAxis(intAttribute(node, "axis", -1), rank);
  const axes = Array.from({ length: rank - axis }, (_, i) => axis + i);
  rms(to, input(node, 0), input(node, 1), axes, floatAttribute(node, "epsilon", 1e-5), node.outputs[0]);
  return true;
};

/** Inputs: input, skip, gamma, bias?. */
const skipRmsNorm: Expansion = (node, to) => {
  if (wants(node, 1, 2)) return false;
  const sum = residual(node, to, 3);
  if (wants(node, 0))
    rms(to, sum, input(node, 2), [-1], floatAttribute(node, "epsilon", 1e-12), node.outputs[0]);
  return true;
};

export const normalisationExpansions: ExpansionTable = {
  RMSNormalization: rmsNorm,
  SimplifiedLayerNormalization: rmsNorm,
  "com.microsoft:SimplifiedLayerNormalization": rmsNorm,
  "com.microsoft:SkipLayerNormalization": skipLayerNorm,
  "com.microsoft:SkipSimplifiedLayerNormalization": skipRmsNorm,
};

/** @file Activations, biases and matrix products that ONNX Runtime or newer opsets have as one operator. */
import { float, floatAttribute, int, intAttribute, string, stringAttribute } from "../attributes.js";
import type { Node } from "../graph.js";
import { type Expansion, type ExpansionTable, has, input, type Writer } from "./expansion.js";

const gelu = (to: Writer, x: string, approximate: "none" | "tanh", output?: string): string =>
  to.add("Gelu", [x], approximate === "none" ? {} : { approximate: string(approximate) }, output);

const withBias = (node: Node, to: Writer): string =>
  has(node, 1) ? to.add("Add", [input(node, 0), input(node, 1)]) : input(node, 0);

const microsoftGelu: Expansion = (node, to) => {
  gelu(to, input(node, 0), "none", node.outputs[0]);
  return true;
};

const biasGelu: Expansion = (node, to) => {
  gelu(to, withBias(node, to), "none", node.outputs[0]);
  return true;
};

const fastGelu: Expansion = (node, to) => {
  gelu(to, withBias(node, to), "tanh", node.outputs[0]);
  return true;
};

const gemmFastGelu: Expansion = (node, to) => {
  const product = to.add("MatMul", [input(node, 0), input(node, 1)]);
  const sum = has(node, 2) ? to.add("Add", [product, input(node, 2)]) : product;
  gelu(to, sum, "tanh", node.outputs[0]);
  return true;
};

/** x·sigmoid(αx). */
function swish(to: Writer, x: string, alpha: number, output?: string): void {
  const inner = alpha === 1 ? x : to.add("Mul", [x, to.scalar(alpha, x)]);
  to.add("Mul", [x, to.add("Sigmoid", [inner])], {}, output);
}

const quickGelu: Expansion = (node, to) => {
  swish(to, input(node, 0), floatAttribute(node, "alpha", 1.702), node.outputs[0]);
  return true;
};

const onnxSwish: Expansion = (node, to) => {
  swish(to, input(node, 0), floatAttribute(node, "alpha", 1), node.outputs[0]);
  return true;
};

/** x·HardSigmoid(x) with slope 1/6 and offset 1/2. */
const hardSwish: Expansion = (node, to) => {
  const x = input(node, 0);
  const gate = to.add("HardSigmoid", [x], { alpha: float(1 / 6), beta: float(0.5) });
  to.add("Mul", [x, gate], {}, node.outputs[0]);
  return true;
};

/** x·tanh(softplus(x)). */
const mish: Expansion = (node, to) => {
  const x = input(node, 0);
  to.add("Mul", [x, to.add("Tanh", [to.add("Softplus", [x])])], {}, node.outputs[0]);
  return true;
};

const biasAdd: Expansion = (node, to) => {
  to.add("Add", [withBias(node, to), input(node, 2)], {}, node.outputs[0]);
  return true;
};

const ACTIVATIONS: Readonly<Record<string, { readonly op: string; readonly parameters: readonly string[] }>> =
  {
    Relu: { op: "Relu", parameters: [] },
    Tanh: { op: "Tanh", parameters: [] },
    Sigmoid: { op: "Sigmoid", parameters: [] },
    LeakyRelu: { op: "LeakyRelu", parameters: ["alpha"] },
    HardSigmoid: { op: "HardSigmoid", parameters: ["alpha", "beta"] },
  };

/** The activation an operator carries with it; undefined for one that is not known. */
export function activate(node: Node, to: Writer, x: string, parameters: readonly number[]): boolean {
  const name = stringAttribute(node, "activation", "");
  if (name === "Clip") {
    const bounds = parameters.map((bound) => to.scalar(bound, x));
    to.add("Clip", [x, ...bounds], {}, node.outputs[0]);
    return true;
  }
  const activation = ACTIVATIONS[name];
  if (activation === undefined) return false;
  const attributes = Object.fromEntries(
    activation.parameters.flatMap((key, i) =>
      parameters[i] === undefined ? [] : [[key, float(parameters[i])]],
    ),
  );
  to.add(activation.op, [x], attributes, node.outputs[0]);
  return true;
}

const canActivate = (node: Node): boolean => {
  const name = stringAttribute(node, "activation", "");
  return name === "Clip" || ACTIVATIONS[name] !== undefined;
};

const without = (node: Node, ...names: readonly string[]): Node["attributes"] =>
  Object.fromEntries(Object.entries(node.attributes).filter(([name]) => !names.includes(name)));

const fusedConv: Expansion = (node, to) => {
  if (!canActivate(node)) return false;
  const attributes = without(node, "activation", "activation_params");
  const conv = to.add("Conv", node.inputs.slice(0, 3), attributes);
  const sum = has(node, 3) ? to.add("Add", [conv, input(node, 3)]) : conv;
  const parameters = node.attributes.activation_params;
  return activate(node, to, sum, parameters?.kind === "floats" ? parameters.value : []);
};

const fusedGemm: Expansion = (node, to) => {
  if (!canActivate(node)) return false;
  const names = ["alpha", "beta", "gamma"].map((name) => `activation_${name}`);
  const parameters = names.flatMap((name) => floatAttribute(node, name) ?? []);
  return activate(node, to, to.add("Gemm", node.inputs, without(node, "activation", ...names)), parameters);
};

/**
 * Softmax(data + bias). Where the bias is broadcast over inner axes it already has ones there; where it stands for
 * the inner axes alone, NumPy's alignment from the right is what is meant.
 */
const biasSoftmax: Expansion = (node, to) => {
  const [data, bias] = [input(node, 0), input(node, 1)];
  const rank = to.shape(data)?.length;
  const biasRank = to.shape(bias)?.length;
  const axis = intAttribute(node, "axis", 1);
  if (rank === undefined || (axis !== -1 && axis !== rank - 1)) return false;
  if (intAttribute(node, "is_inner_broadcast", 1) !== 0 && biasRank !== rank) return false;
  to.add("Softmax", [to.add("Add", [data, bias])], { axis: int(-1) }, node.outputs[0]);
  return true;
};

export const activationExpansions: ExpansionTable = {
  Swish: onnxSwish,
  HardSwish: hardSwish,
  Mish: mish,
  "com.microsoft:Gelu": microsoftGelu,
  "com.microsoft:BiasGelu": biasGelu,
  "com.microsoft:FastGelu": fastGelu,
  "com.microsoft:QuickGelu": quickGelu,
  "com.microsoft:GemmFastGelu": gemmFastGelu,
  "com.microsoft:BiasAdd": biasAdd,
  "com.microsoft:FusedConv": fusedConv,
  "com.microsoft:FusedGemm": fusedGemm,
  "com.microsoft:BiasSoftmax": biasSoftmax,
};

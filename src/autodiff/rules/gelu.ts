/**
 * @file The gradient of GELU, the widest elementwise cost of a transformer's backward pass: as few passes over
 * memory as ONNX Runtime's operators allow. forward.ts splits the forward operator so that Φ is computed once.
 */
import { intAttribute, stringAttribute } from "../../onnx/attributes.js";
import type { Node } from "../../onnx/graph.js";
import type { Forward } from "../forward.js";
import type { Rule, RuleContext, RuleTable } from "../rule.js";
import { input } from "../rule.js";

const SQRT_HALF = Math.SQRT1_2;
const TANH_SCALE = Math.sqrt(2 / Math.PI);
const TANH_CUBIC = 0.044715;

/** Of our own: the operator stands for x·Φ(√2·x), whose argument needs no scaling. Never reaches a file. */
const isUnit = (node: Node): boolean => intAttribute(node, "unit", 0) !== 0;

const isTanh = (node: Node): boolean => stringAttribute(node, "approximate", "none") === "tanh";

/**
 * x·Φ(x) in parts. Exact: v = x/√2, Φ = (1 + erf v)/2. Approximated: Φ = σ(2u) with u = √(2/π)(x + 0.044715x³),
 * since (1 + tanh u)/2 = σ(2u).
 */
export const geluForward: Forward = (node, emit) => {
  const x = node.inputs[0] ?? "";
  if (isTanh(node)) {
    const cubic = emit.mul(emit.mul(x, x), emit.scalar(2 * TANH_SCALE * TANH_CUBIC, x));
    const twice = emit.mul(x, emit.add(cubic, emit.scalar(2 * TANH_SCALE, x)));
    const phi = emit.op("Sigmoid", [twice]);
    return { saved: { phi, cubic }, result: { op: "Mul", inputs: [x, phi] } };
  }
  const v = isUnit(node) ? x : emit.scale(x, SQRT_HALF);
  const phi = emit.affine01(emit.op("Erf", [v]), 0.5, 0.5);
  return { saved: { phi, v }, result: { op: "Mul", inputs: [x, phi] } };
};

/** Φ + x·φ(x) = Φ + v·e^(−v²)/√π, with the division by e^(v²) taking in the product and the sign. */
function exact({ emit, saved }: RuleContext): string {
  const { phi = "", v = "" } = saved;
  const tail = emit.div(v, emit.op("Exp", [emit.mul(v, v)]));
  return emit.add(phi, emit.scale(tail, 1 / Math.sqrt(Math.PI)));
}

/** Φ + x·Φ(1 − Φ)·(2u)′, where (2u)′ = 3·cubic + 2√(2/π). */
function tanh({ emit, saved }: RuleContext, x: string): string {
  const { phi = "", cubic = "" } = saved;
  const slope = emit.add(emit.scale(cubic, 3), emit.scalar(2 * TANH_SCALE, cubic));
  const bell = emit.mul(phi, emit.sub(emit.scalar(1, phi), phi));
  return emit.add(phi, emit.mul(emit.mul(x, bell), slope));
}

const gelu: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    return emit.mul(dy, isTanh(node) ? tanh(context, input(context, 0)) : exact(context));
  },
];

export const geluRules: RuleTable = { Gelu: gelu, "com.microsoft:Gelu": gelu };

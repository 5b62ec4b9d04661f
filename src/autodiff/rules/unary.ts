/**
 * @file Gradients of functions applied to every element: dx = dy·f′(x), written with the forward result y where
 * f′ is cheaper in y than in x.
 */
import { floatAttribute } from "../../onnx/attributes.js";
import type { Emitter } from "../emitter.js";
import type { Rule, RuleContext, RuleTable } from "../rule.js";
import { input, output } from "../rule.js";

interface Unary {
  readonly emit: Emitter;
  readonly x: string;
  readonly y: string;
  readonly dy: string;
  readonly context: RuleContext;
}

function unary(formula: (u: Unary) => string): Rule {
  return (context) => [
    () => formula({ emit: context.emit, x: input(context, 0), y: output(context), dy: context.dy, context }),
  ];
}

/** One minus, plus: 1 − v and v + c as the emitter writes them. */
const oneMinus = ({ emit }: Unary, v: string): string => emit.sub(emit.scalar(1, v), v);
const plus = ({ emit }: Unary, v: string, c: number): string => emit.add(v, emit.scalar(c, v));
const square = ({ emit }: Unary, v: string): string => emit.mul(v, v);

const positive = ({ emit, x }: Unary): string => emit.op("Greater", [x, emit.scalar(0, x)]);

/** dy where x > 0, else `below`. */
const split = (u: Unary, below: string): string => u.emit.op("Where", [positive(u), u.dy, below]);

const attribute = (u: Unary, name: string, fallback: number): number =>
  floatAttribute(u.context.node, name, fallback);

const SELU_ALPHA = 1.6732632423543772;
const SELU_GAMMA = 1.0507009873554805;

/** x·σ(αx): σ + αy(1 − σ). */
function swish(u: Unary, alpha: number): string {
  const { emit, x, y, dy } = u;
  const sigmoid = emit.op("Sigmoid", [emit.scale(x, alpha)]);
  return emit.mul(dy, emit.add(sigmoid, emit.scale(emit.mul(y, oneMinus(u, sigmoid)), alpha)));
}

/** x·tanh(softplus x) = x·t: t + x(1 − t²)σ(x). */
function mish(u: Unary): string {
  const { emit, x, dy } = u;
  const t = emit.op("Tanh", [emit.op("Softplus", [x])]);
  const inner = emit.mul(emit.mul(x, oneMinus(u, square(u, t))), emit.op("Sigmoid", [x]));
  return emit.mul(dy, emit.add(t, inner));
}

/** dy where lower < x < upper, else 0. */
function between(u: Unary, lower: number, upper: number, value: string): string {
  const { emit, x } = u;
  const above = emit.op("Greater", [x, emit.scalar(lower, x)]);
  const below = emit.op("Less", [x, emit.scalar(upper, x)]);
  return emit.keepWhere(emit.op("And", [above, below]), value);
}

/** max(0, min(1, αx + β)): α on the slope, whichever way it goes. */
function hardSigmoid(u: Unary): string {
  const alpha = attribute(u, "alpha", 0.2);
  const beta = attribute(u, "beta", 0.5);
  const ends = [-beta / alpha, (1 - beta) / alpha];
  return between(u, Math.min(...ends), Math.max(...ends), u.emit.scale(u.dy, alpha));
}

/** x·hardsigmoid(x; 1/6, 1/2): 0 up to −3, (2x + 3)/6, and 1 from 3. */
function hardSwish(u: Unary): string {
  const { emit, x, dy } = u;
  const slope = plus(u, emit.scale(x, 1 / 3), 0.5);
  const high = emit.op("GreaterOrEqual", [x, emit.scalar(3, x)]);
  const low = emit.op("Greater", [x, emit.scalar(-3, x)]);
  return emit.op("Where", [high, dy, emit.keepWhere(low, emit.mul(dy, slope))]);
}

export const unaryRules: RuleTable = {
  Neg: unary(({ emit, dy }) => emit.neg(dy)),
  Sqrt: unary(({ emit, dy, y }) => emit.div(emit.scale(dy, 0.5), y)),
  Reciprocal: unary((u) => u.emit.neg(u.emit.mul(u.dy, square(u, u.y)))),
  Exp: unary(({ emit, dy, y }) => emit.mul(dy, y)),
  Log: unary(({ emit, dy, x }) => emit.div(dy, x)),
  // 2/√π·e^(−x²), divided by e^(x²): one pass less than negating, and 1/∞ is the right 0.
  Erf: unary((u) => {
    const { emit, dy, x } = u;
    return emit.div(emit.scale(dy, 2 / Math.sqrt(Math.PI)), emit.op("Exp", [square(u, x)]));
  }),
  Sin: unary(({ emit, dy, x }) => emit.mul(dy, emit.op("Cos", [x]))),
  Cos: unary(({ emit, dy, x }) => emit.neg(emit.mul(dy, emit.op("Sin", [x])))),
  Tan: unary((u) => u.emit.mul(u.dy, plus(u, square(u, u.y), 1))),
  Asin: unary((u) => u.emit.div(u.dy, u.emit.op("Sqrt", [oneMinus(u, square(u, u.x))]))),
  Acos: unary((u) => u.emit.neg(u.emit.div(u.dy, u.emit.op("Sqrt", [oneMinus(u, square(u, u.x))])))),
  Atan: unary((u) => u.emit.div(u.dy, plus(u, square(u, u.x), 1))),
  Sinh: unary(({ emit, dy, x }) => emit.mul(dy, emit.op("Cosh", [x]))),
  Cosh: unary(({ emit, dy, x }) => emit.mul(dy, emit.op("Sinh", [x]))),
  Abs: unary(({ emit, dy, x }) => emit.mul(dy, emit.op("Sign", [x]))),
  Tanh: unary((u) => u.emit.mul(u.dy, oneMinus(u, square(u, u.y)))),
  Sigmoid: unary((u) => u.emit.mul(u.dy, u.emit.mul(u.y, oneMinus(u, u.y)))),
  Relu: unary((u) => u.emit.keepWhere(positive(u), u.dy)),
  LeakyRelu: unary((u) => split(u, u.emit.scale(u.dy, attribute(u, "alpha", 0.01)))),
  ThresholdedRelu: unary((u) => {
    const { emit, x, dy } = u;
    return emit.keepWhere(emit.op("Greater", [x, emit.scalar(attribute(u, "alpha", 1), x)]), dy);
  }),
  // α(eˣ − 1) below 0, whose slope is y + α.
  Elu: unary((u) => split(u, u.emit.mul(u.dy, plus(u, u.y, attribute(u, "alpha", 1))))),
  Celu: unary((u) => {
    const alpha = attribute(u, "alpha", 1);
    return split(u, u.emit.mul(u.dy, plus(u, u.emit.scale(u.y, 1 / alpha), 1)));
  }),
  Selu: unary((u) => {
    const { emit, dy, y } = u;
    const gamma = attribute(u, "gamma", SELU_GAMMA);
    const below = emit.mul(dy, plus(u, y, gamma * attribute(u, "alpha", SELU_ALPHA)));
    return emit.op("Where", [positive(u), emit.scale(dy, gamma), below]);
  }),
  Softplus: unary(({ emit, dy, x }) => emit.mul(dy, emit.op("Sigmoid", [x]))),
  Softsign: unary((u) => u.emit.div(u.dy, square(u, plus(u, u.emit.op("Abs", [u.x]), 1)))),
  HardSigmoid: unary(hardSigmoid),
  HardSwish: unary(hardSwish),
  Mish: unary(mish),
  Swish: unary((u) => swish(u, attribute(u, "alpha", 1))),
  "com.microsoft:QuickGelu": unary((u) => swish(u, attribute(u, "alpha", 1.702))),
};

/**
 * @file Gradients of operators that take two or more operands element by element with broadcasting. Each formula
 * gives the gradient in the shape of the result; `broadcasting` then sums it back to the operand's shape.
 */
import { tensorToNumbers } from "../../onnx/tensor.js";
import { unbroadcast } from "../broadcast.js";
import type { Contribution, Rule, RuleContext, RuleTable } from "../rule.js";
import { constant, input, optionalInput, output, unsupported } from "../rule.js";

type Formula = (context: RuleContext) => string;

/** A rule from the gradient of each operand before it is summed over broadcast axes. */
function broadcasting(...formulas: readonly (Formula | undefined)[]): Rule {
  return (context) =>
    formulas.map((formula, i) =>
      formula ? () => unbroadcast(context, formula(context), output(context), input(context, i)) : undefined,
    );
}

/** The same for operators with any number of operands. */
function variadic(formula: (context: RuleContext, index: number) => string): Rule {
  return (context) =>
    context.node.inputs.map(
      (name, i) => () => unbroadcast(context, formula(context, i), output(context), name),
    );
}

const dy: Formula = (context) => context.dy;

/** ∂(a/b)/∂b = −y/b. */
const divisor: Formula = (c) => c.emit.neg(c.emit.div(c.emit.mul(c.dy, output(c)), input(c, 1)));

/** The exponent, where it is one constant number. */
function exponentOf(context: RuleContext): number | undefined {
  const tensor = constant(context, 1);
  if (tensor === undefined) return undefined;
  const values = tensorToNumbers(tensor);
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}

/** ∂a^p/∂a = p·a^(p−1), for the exponents that occur without a Pow. */
function powerBase(c: RuleContext): string {
  const { emit } = c;
  const a = input(c, 0);
  const p = exponentOf(c);
  switch (p) {
    case undefined: {
      const exponent = floatExponent(c);
      const power = emit.op("Pow", [a, emit.sub(exponent, emit.scalar(1, a))]);
      return emit.mul(c.dy, emit.mul(exponent, power));
    }
    case 0:
      return emit.scale(c.dy, 0);
    case 1:
      return c.dy;
    case 2:
      return emit.mul(c.dy, emit.scale(a, 2));
    case 0.5:
      return emit.div(emit.scale(c.dy, 0.5), output(c));
    case -1:
      return emit.neg(emit.mul(c.dy, emit.mul(output(c), output(c))));
    default:
      return emit.mul(c.dy, emit.scale(emit.op("Pow", [a, emit.scalar(p - 1, a)]), p));
  }
}

/** The exponent may be of another type than the base; here it takes part in arithmetic with it. */
function floatExponent(c: RuleContext): string {
  const { emit } = c;
  const exponent = input(c, 1);
  const dtype = emit.dtype(input(c, 0));
  return emit.dtype(exponent) === dtype ? exponent : emit.cast(exponent, dtype);
}

/** ∂a^b/∂b = y·ln a, and 0 where a = 0 (as b > 0 there). */
function powerExponent(c: RuleContext): string {
  const { emit } = c;
  const a = input(c, 0);
  const positive = emit.op("Greater", [a, emit.scalar(0, a)]);
  const log = emit.op("Log", [emit.op("Where", [positive, a, emit.scalar(1, a)])]);
  return emit.mul(c.dy, emit.mul(output(c), log));
}

/** Goes to the operand that was taken, in equal parts where several were (as PyTorch). */
function extremum(c: RuleContext, index: number): string {
  const { emit } = c;
  const y = output(c);
  const taken = c.node.inputs.map((name) => emit.indicator(emit.op("Equal", [name, y]), y));
  const mine = taken[index] ?? y;
  return emit.mul(c.dy, taken.length === 1 ? mine : emit.div(mine, emit.op("Sum", taken)));
}

const chosen: Formula = (c) => c.emit.keepWhere(input(c, 0), c.dy);

const notChosen: Formula = (c) => c.emit.op("Where", [input(c, 0), c.emit.scalar(0, c.dy), c.dy]);

/** Passes where min ≤ x ≤ max. */
const clip: Rule = (c) => [
  (): Contribution => {
    const { emit } = c;
    const x = input(c, 0);
    const [min, max] = [optionalInput(c, 1), optionalInput(c, 2)];
    const conditions = [
      ...(min ? [emit.op("GreaterOrEqual", [x, min])] : []),
      ...(max ? [emit.op("LessOrEqual", [x, max])] : []),
    ];
    const [first, second] = conditions;
    if (first === undefined) return c.dy;
    return emit.keepWhere(second === undefined ? first : emit.op("And", [first, second]), c.dy);
  },
];

/** x where positive, else slope·x. */
const prelu: Rule = (c) => {
  const { emit } = c;
  const x = input(c, 0);
  const slope = input(c, 1);
  const positive = () => emit.op("Greater", [x, emit.scalar(0, x)]);
  return [
    () => emit.op("Where", [positive(), c.dy, emit.mul(c.dy, slope)]),
    () => {
      const below = emit.op("Where", [positive(), emit.scalar(0, x), emit.mul(c.dy, x)]);
      return unbroadcast(c, below, output(c), slope);
    },
  ];
};

/** a − b·⌊a/b⌋ and its C cousin: slope 1 in a. By b it is not asked for. */
const modulo: Rule = (c) => [
  () => unbroadcast(c, c.dy, output(c), input(c, 0)),
  () => unsupported(c, "its gradient by the divisor is not defined here"),
];

export const elementwiseRules: RuleTable = {
  Add: broadcasting(dy, dy),
  Sub: broadcasting(dy, (c) => c.emit.neg(c.dy)),
  Mul: broadcasting(
    (c) => c.emit.mul(c.dy, input(c, 1)),
    (c) => c.emit.mul(c.dy, input(c, 0)),
  ),
  Div: broadcasting((c) => c.emit.div(c.dy, input(c, 1)), divisor),
  Pow: broadcasting(powerBase, powerExponent),
  Where: broadcasting(undefined, chosen, notChosen),
  Sum: variadic((c) => c.dy),
  Mean: variadic((c) => c.emit.scale(c.dy, 1 / c.node.inputs.length)),
  Max: variadic(extremum),
  Min: variadic(extremum),
  Clip: clip,
  PRelu: prelu,
  Mod: modulo,
};

/**
 * @file The arithmetic of ONNX's element-wise operators on plain numbers, for folding. Integer division truncates
 * and Mod takes the divisor's sign unless fmod is set, as ONNX Runtime has them.
 */
import { floatAttribute, intAttribute } from "../attributes.js";
import { dataTypeFromCode, isFloatType } from "../data-type.js";
import type { DataType, Node } from "../graph.js";

type Unary = (a: number) => number;
type Binary = (a: number, b: number) => number;

/** Half to even, as ONNX's Round. */
function roundEven(a: number): number {
  const low = Math.floor(a);
  if (a - low !== 0.5) return Math.round(a);
  return low % 2 === 0 ? low : low + 1;
}

const UNARY: Readonly<Record<string, Unary>> = {
  Abs: Math.abs,
  Ceil: Math.ceil,
  Cos: Math.cos,
  Exp: Math.exp,
  Floor: Math.floor,
  Log: Math.log,
  Neg: (a) => -a,
  Not: (a) => (a === 0 ? 1 : 0),
  Reciprocal: (a) => 1 / a,
  Relu: (a) => Math.max(a, 0),
  Round: roundEven,
  Sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  Sign: Math.sign,
  Sin: Math.sin,
  Sqrt: Math.sqrt,
  Tan: Math.tan,
  Tanh: Math.tanh,
};

const WRAP: Partial<Record<DataType, (a: number) => number>> = {
  int8: (a) => (a << 24) >> 24,
  uint8: (a) => a & 255,
  int16: (a) => (a << 16) >> 16,
  uint16: (a) => a & 65535,
  int32: (a) => a | 0,
  uint32: (a) => a >>> 0,
};

/** Conversion of one number, as a C cast has it. */
export function castNumber(a: number, to: DataType): number | undefined {
  if (to === "bool") return a === 0 ? 0 : 1;
  if (to === "float32") return Math.fround(a);
  if (to === "float64") return a;
  if (to !== "int64" && WRAP[to] === undefined) return undefined;
  const whole = Math.trunc(a);
  // What a NaN or an overflow becomes is left to the machine: not folded.
  if (!Number.isFinite(whole)) return undefined;
  return to === "int64" ? whole : Math.abs(whole) < 2 ** 31 ? WRAP[to]?.(whole) : undefined;
}

/** The node as a function of one number, if it is one. */
export function unaryOf(node: Node): ((a: number) => number | undefined) | undefined {
  if (node.op === "Cast") {
    const to = dataTypeFromCode(intAttribute(node, "to", 0));
    return (a) => castNumber(a, to);
  }
  return UNARY[node.op];
}

const COMPARE: Readonly<Record<string, Binary>> = {
  And: (a, b) => (a !== 0 && b !== 0 ? 1 : 0),
  Equal: (a, b) => (a === b ? 1 : 0),
  Greater: (a, b) => (a > b ? 1 : 0),
  GreaterOrEqual: (a, b) => (a >= b ? 1 : 0),
  Less: (a, b) => (a < b ? 1 : 0),
  LessOrEqual: (a, b) => (a <= b ? 1 : 0),
  Or: (a, b) => (a !== 0 || b !== 0 ? 1 : 0),
  Xor: (a, b) => ((a !== 0) === (b !== 0) ? 0 : 1),
};

const FLOAT: Readonly<Record<string, Binary>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Max: (a, b) => Math.max(a, b),
  Min: (a, b) => Math.min(a, b),
  Pow: (a, b) => a ** b,
  Sum: (a, b) => a + b,
};

/** The node as a function of two numbers, if it is one (of more, taken two at a time). */
export function binaryOf(node: Node, dtype: DataType): Binary | undefined {
  const compare = COMPARE[node.op];
  if (compare) return compare;
  if (node.op === "Mod") {
    if (intAttribute(node, "fmod", 0) !== 0) return (a, b) => a % b;
    return isFloatType(dtype) ? undefined : (a, b) => a - b * Math.floor(a / b);
  }
  if (node.op === "Div" && !isFloatType(dtype)) return (a, b) => Math.trunc(a / b);
  return FLOAT[node.op];
}

/** Bounds of Clip given as attributes, before opset 11. */
export const clipAttributes = (node: Node): readonly [number, number] => [
  floatAttribute(node, "min", Number.NEGATIVE_INFINITY),
  floatAttribute(node, "max", Number.POSITIVE_INFINITY),
];

/**
 * @file The small vocabulary in which gradient rules write: one method an operator, equal nodes written once. It
 * stands between the rules and the graph builder so that a rule reads like its formula.
 */
import { float, int, ints as intsAttribute } from "../onnx/attributes.js";
import type { Attributes, GraphBuilder } from "../onnx/builder.js";
import { dataTypeCode } from "../onnx/data-type.js";
import type { Shape } from "../onnx/dim.js";
import { isStatic, sameDim } from "../onnx/dim.js";
import type { DataType, Node, Tensor, ValueType } from "../onnx/graph.js";
import { tensorOf } from "../onnx/shape/array.js";
import { int64Tensor } from "../onnx/tensor.js";

export interface EmitOptions {
  readonly domain?: string;
  readonly hint?: string;
}

const identity = (length: number): readonly number[] => Array.from({ length }, (_, i) => i);

export class Emitter {
  readonly #builder: GraphBuilder;
  readonly #written = new Map<string, readonly string[]>();
  /** Transposes by their output, so that transposing back gives the original. */
  readonly #transposes = new Map<string, { readonly input: string; readonly perm: readonly number[] }>();
  /** What a value is a multiple of, where it was multiplied or divided by one number. */
  readonly #multiples = new Map<string, string>();

  constructor(builder: GraphBuilder) {
    this.#builder = builder;
  }

  /** Makes a node of the forward graph known, so that its value is reused instead of computed again. */
  push(node: Node): void {
    this.#builder.push(node);
    const output = node.outputs[0];
    if (node.outputs.length !== 1 || output === undefined) return;
    const key = keyOf(node.op, node.domain, node.inputs, node.attributes);
    if (key !== undefined && !this.#written.has(key)) this.#written.set(key, node.outputs);
    const perm = node.attributes.perm;
    const input = node.inputs[0];
    if (node.op === "Transpose" && input !== undefined && perm?.kind === "ints") {
      this.#transposes.set(output, { input, perm: perm.value });
    }
    const [a = "", b = ""] = node.inputs;
    if ((node.op === "Mul" || node.op === "Div") && this.isScalar(b)) this.#multiples.set(output, a);
    if (node.op === "Mul" && this.isScalar(a)) this.#multiples.set(output, b);
  }

  type(name: string): ValueType {
    return this.#builder.typeOf(name);
  }

  shape(name: string): Shape | undefined {
    return this.#builder.shapeOf(name);
  }

  constantOf(name: string): Tensor | undefined {
    return this.#builder.constantOf(name);
  }

  /** Content of a small integer tensor where every element is a plain number. */
  numbersOf(name: string): readonly number[] | undefined {
    const content = this.#builder.contentOf(name);
    return content?.every(isStatic) ? content : undefined;
  }

  /** A name that no value has yet. */
  fresh(hint: string): string {
    return this.#builder.fresh(`grad/${hint}`);
  }

  op(op: string, inputs: readonly string[], attributes: Attributes = {}, options: EmitOptions = {}): string {
    return this.ops(op, inputs, 1, attributes, options)[0] ?? "";
  }

  ops(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: Attributes = {},
    { domain = "", hint = `grad/${op}` }: EmitOptions = {},
  ): readonly string[] {
    const key = keyOf(op, domain, inputs, attributes);
    const known = key === undefined ? undefined : this.#written.get(key);
    if (known && known.length >= count) return known;
    const outputs = this.#builder.addMany(op, inputs, count, attributes, { domain, hint });
    if (key !== undefined) this.#written.set(key, outputs);
    return outputs;
  }

  ints(values: readonly number[]): string {
    return this.#builder.ints(values, "grad/ints");
  }

  constant(tensor: Tensor): string {
    return this.#builder.constant(tensor, "grad/constant");
  }

  /** A row of ones [1, length], one for all who ask. */
  ones(length: number, dtype: "float32" | "float64"): string {
    const key = `ones ${dtype} ${length}`;
    const known = this.#written.get(key)?.[0];
    if (known !== undefined) return known;
    const name = this.constant(tensorOf(dtype, [1, length], new Array<number>(length).fill(1)));
    this.#written.set(key, [name]);
    return name;
  }

  /** A scalar of the type of the value `like`. */
  scalar(value: number, like: string): string {
    return this.#builder.float(value, this.dtype(like), "grad/scalar");
  }

  dtype(name: string): DataType {
    const { dtype } = this.type(name);
    return dtype === "other" ? "float32" : dtype;
  }

  add = (a: string, b: string): string => this.op("Add", [a, b]);
  sub = (a: string, b: string): string => this.op("Sub", [a, b]);
  div = (a: string, b: string): string => this.op("Div", [a, b]);
  neg = (a: string): string => this.op("Neg", [a]);
  matmul = (a: string, b: string): string => this.op("MatMul", [a, b]);

  /** A product with one number is taken in front of a transpose, so that the transpose can meet its inverse. */
  mul(a: string, b: string): string {
    const inner = this.isScalar(b) ? this.#transposes.get(a) : undefined;
    if (inner === undefined) return this.op("Mul", [a, b]);
    return this.transpose(this.op("Mul", [inner.input, b]), inner.perm);
  }

  /** Whether the value is a constant of rank 0 (or one that acts like it beside anything: [1]). */
  isScalar(name: string): boolean {
    const dims = this.constantOf(name)?.dims;
    return dims !== undefined && dims.length <= 1 && dims.every((extent) => extent === 1);
  }

  /** Whether the value is (a multiple of) a transpose that made its last axis of an earlier one. */
  isTransposed(name: string): boolean {
    const base = this.#multiples.get(name);
    if (base !== undefined) return this.isTransposed(base);
    const perm = this.#transposes.get(name)?.perm ?? [];
    return (perm.at(-1) ?? 0) < (perm.at(-2) ?? 0);
  }

  /** a·factor. */
  scale(a: string, factor: number): string {
    return factor === 1 ? a : this.mul(a, this.scalar(factor, a));
  }

  /** `value` where the condition holds, else 0. */
  keepWhere(condition: string, value: string): string {
    return this.op("Where", [condition, value, this.scalar(0, value)]);
  }

  /** 1 where the condition holds, else 0, in the type of `like`. */
  indicator(condition: string, like: string): string {
    return this.cast(condition, this.dtype(like));
  }

  cast(value: string, dtype: DataType): string {
    return this.op("Cast", [value], { to: int(dataTypeCode(dtype) ?? 1) });
  }

  transpose(value: string, perm: readonly number[]): string {
    const inner = this.#transposes.get(value);
    const from = inner?.input ?? value;
    const total = inner ? perm.map((axis) => inner.perm[axis] ?? axis) : perm;
    if (total.every((axis, i) => axis === i)) return from;
    const output = this.op("Transpose", [from], { perm: intsAttribute(total) });
    this.#transposes.set(output, { input: from, perm: total });
    return output;
  }

  /** Last two axes exchanged. */
  swap(value: string, rank: number): string {
    const perm = [...identity(rank - 2), rank - 1, rank - 2];
    return this.transpose(value, perm);
  }

  /** The value in the shape of `like`, which holds as many elements. */
  reshapeLike(value: string, like: string): string {
    return this.reshape(value, this.shape(like), like);
  }

  /** The value in the given shape; `like` has that shape, and is asked where the shape cannot be written down. */
  reshape(value: string, shape: Shape | undefined, like: string): string {
    const known = this.shape(value);
    if (shape && known && known.length === shape.length && shape.every((d, i) => sameDim(d, known[i]))) {
      return value;
    }
    const open = shape?.filter((d) => !isStatic(d)).length ?? Number.POSITIVE_INFINITY;
    if (shape && open <= 1 && !shape.includes(0)) {
      return this.op("Reshape", [value, this.ints(shape.map((d) => (isStatic(d) ? d : -1)))]);
    }
    return this.op("Reshape", [value, this.op("Shape", [like])]);
  }

  unsqueeze(value: string, axes: readonly number[]): string {
    return axes.length === 0 ? value : this.op("Unsqueeze", [value, this.ints(axes)]);
  }

  squeeze(value: string, axes: readonly number[]): string {
    return axes.length === 0 ? value : this.op("Squeeze", [value, this.ints(axes)]);
  }

  reduceSum(value: string, axes: readonly number[], keepdims: boolean): string {
    if (axes.length === 0) return value;
    return this.op("ReduceSum", [value, this.ints(axes)], { keepdims: int(keepdims ? 1 : 0) });
  }

  /** Mean over axes, kept with extent 1. */
  reduceMean(value: string, axes: readonly number[]): string {
    return this.op("ReduceMean", [value, this.ints(axes)], { keepdims: int(1) });
  }

  concat(values: readonly string[], axis: number): string {
    const [only] = values;
    return values.length === 1 && only !== undefined ? only : this.op("Concat", values, { axis: int(axis) });
  }

  /** Zeros before and after on one axis; negative numbers crop. */
  pad(value: string, rank: number, axis: number, before: number, after: number): string {
    if (before === 0 && after === 0) return value;
    const amounts = (amount: number) => identity(rank).map((i) => (i === axis ? amount : 0));
    return this.padAll(value, [...amounts(before), ...amounts(after)]);
  }

  /** ONNX Pad with zeros: all begins, then all ends. */
  padAll(value: string, pads: readonly number[]): string {
    if (pads.every((amount) => amount === 0)) return value;
    return this.op("Pad", [value, this.ints(pads), this.scalar(0, value)]);
  }

  slice(value: string, axis: number, start: number, end: number, step = 1): string {
    return this.op("Slice", [value, ...[[start], [end], [axis], [step]].map((list) => this.ints(list))]);
  }

  /** The value read along an axis at constant positions, given in the shape `dims`. */
  gather(value: string, positions: readonly number[], dims: readonly number[], axis: number): string {
    const indices = this.constant(int64Tensor(dims, positions));
    return this.op("Gather", [value, indices], { axis: int(axis) });
  }

  /** Zeros in the shape of the value. */
  zerosLike(value: string): string {
    return this.op("Expand", [this.scalar(0, value), this.op("Shape", [value])]);
  }

  /** HardSigmoid as an affine function, α·x + β in one pass; right only where the result stays in [0, 1]. */
  affine01(value: string, alpha: number, beta: number): string {
    return this.op("HardSigmoid", [value], { alpha: float(alpha), beta: float(beta) });
  }
}

/** What makes two nodes equal; undefined for nodes with tensors or graphs as attributes, which are never shared. */
function keyOf(
  op: string,
  domain: string,
  inputs: readonly string[],
  attributes: Attributes,
): string | undefined {
  const entries = Object.entries(attributes);
  if (entries.some(([, { kind }]) => kind === "tensor" || kind === "graph")) return undefined;
  const plain = entries.map(([name, { value }]) => [name, value] as const);
  plain.sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([op, domain, inputs, plain]);
}

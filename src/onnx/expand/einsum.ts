/**
 * @file Einsum as the transposes, reshapes and one matrix product that it is. Models written with einsum (Keras, JAX,
 * much research code) then look to every later pass like those written with matmul: attention has its queries on the
 * left and its keys on the right, weights are linear layers, and ONNX Runtime has its fast product.
 */
import { int, ints, stringAttribute } from "../attributes.js";
import type { Attributes } from "../builder.js";
import { type Dim, isStatic } from "../dim.js";
import { parseEquation } from "../einsum.js";
import { type Expansion, type ExpansionTable, input, type Writer } from "./expansion.js";

type Labels = readonly string[];
type Extents = ReadonlyMap<string, Dim>;

interface Operand {
  readonly name: string;
  readonly labels: Labels;
}

/** A node yet to be written on the value before it. */
interface Step {
  readonly op: string;
  readonly others: readonly string[];
  readonly attributes: Attributes;
}

const without = (a: Labels, b: Labels): Labels => a.filter((label) => !b.includes(label));
const within = (a: Labels, b: Labels): Labels => a.filter((label) => b.includes(label));
const plain = (labels: Labels): boolean => new Set(labels).size === labels.length;
const single = (groups: readonly Labels[]): boolean => groups.every(({ length }) => length === 1);

const einsum: Expansion = (node, to) => {
  const equation = stringAttribute(node, "equation", "");
  const terms = parseEquation(equation);
  const result = [...terms.result];
  const operands = terms.inputs.map((term, i) => ({ name: input(node, i), labels: [...term] }));
  if (equation.includes(".") || operands.length !== node.inputs.length || !plain(result)) return false;
  const extents = extentsOf(operands, to);
  const [first, second, third] = operands;
  if (extents === undefined || first === undefined || third !== undefined) return false;
  if (second !== undefined) return product([first, second], result, extents, to, node.outputs[0] ?? "");
  const steps = [...summed(first, result, to), ...turned(within(first.labels, result), result)];
  write(first.name, steps, to, node.outputs[0] ?? "");
  return true;
};

/** Every label's length; undefined where a rank is unknown, lengths are broadcast, or an operand has a diagonal. */
function extentsOf(operands: readonly Operand[], to: Writer): Extents | undefined {
  const extents = new Map<string, Dim>();
  for (const { name, labels } of operands) {
    const shape = to.shape(name);
    if (shape?.length !== labels.length || !plain(labels)) return undefined;
    for (const [axis, label] of labels.entries()) {
      const [before, d] = [extents.get(label), shape[axis] ?? null];
      if (isStatic(before) && isStatic(d) && before !== d) return undefined;
      if (!isStatic(before)) extents.set(label, d);
    }
  }
  return extents;
}

/**
 * [batch…, rows, contracted] · [batch…, contracted, columns], each group of labels one axis; the product parted and
 * turned into the result. The operand whose own labels come first in the result is the left one, so that attention's
 * rows are its queries. False where lengths that are needed are not known; nothing is written then.
 */
function product(
  [first, second]: readonly [Operand, Operand],
  result: Labels,
  extents: Extents,
  to: Writer,
  output: string,
): boolean {
  const place = (a: Operand, b: Operand): number => {
    const at = result.findIndex((label) => a.labels.includes(label) && !b.labels.includes(label));
    return at < 0 ? result.length : at;
  };
  const swap = place(second, first) < place(first, second);
  const [a, b] = swap ? [second, first] : [first, second];
  const shared = within(a.labels, b.labels);
  const batch = within(result, shared);
  const contracted = without(shared, result);
  const rows = within(result, without(a.labels, b.labels));
  const columns = within(result, without(b.labels, a.labels));
  const alone = batch.map((label) => [label]);
  // A single matrix on the right takes any number of axes on the left.
  const free = batch.length === 0 && rows.length > 0 ? rows.map((label) => [label]) : [rows];
  const groups = [
    [...alone, ...free, contracted],
    [...alone, contracted, columns],
    [...alone, ...free, columns],
  ] as const;
  const z = groups[2].flat();
  const x = single(groups[0]) ? [] : lengthsOf(groups[0], extents);
  const y = single(groups[1]) ? [] : lengthsOf(groups[1], extents);
  const parted = single(groups[2])
    ? []
    : lengthsOf(
        z.map((label) => [label]),
        extents,
      );
  if (x === undefined || y === undefined || parted === undefined) return false;
  const left = write(
    a.name,
    [...summed(a, [...result, ...b.labels], to), ...arranged(a, groups[0], x, to)],
    to,
  );
  const right = write(
    b.name,
    [...summed(b, [...result, ...a.labels], to), ...arranged(b, groups[1], y, to)],
    to,
  );
  const matmul = { op: "MatMul", others: [right], attributes: {} };
  write(left, [matmul, ...reshaped(parted, to), ...turned(z, result)], to, output);
  return true;
}

/** Drops the labels that nothing else has. */
function summed({ labels }: Operand, kept: Labels, to: Writer): readonly Step[] {
  const axes = without(labels, kept).map((label) => labels.indexOf(label));
  if (axes.length === 0) return [];
  return [{ op: "ReduceSum", others: [to.graph.ints(axes, "axes")], attributes: { keepdims: int(0) } }];
}

/** The groups' lengths as Reshape takes them; undefined where two or more are open. */
function lengthsOf(groups: readonly Labels[], extents: Extents): readonly number[] | undefined {
  const lengths = groups.map((group) => {
    const dims = group.map((label) => extents.get(label));
    return dims.every(isStatic) ? dims.reduce((all, d) => all * d, 1) : -1;
  });
  return lengths.filter((length) => length < 0).length > 1 ? undefined : lengths;
}

/** Puts the axes in the groups' order, each group one axis (of length 1 where it is empty). No lengths: they are that. */
function arranged(
  { labels }: Operand,
  groups: readonly Labels[],
  lengths: readonly number[],
  to: Writer,
): readonly Step[] {
  const order = groups.flat();
  return [...turned(within(labels, order), order), ...reshaped(lengths, to)];
}

const reshaped = (lengths: readonly number[], to: Writer): readonly Step[] =>
  lengths.length === 0 ? [] : [{ op: "Reshape", others: [to.graph.ints(lengths, "shape")], attributes: {} }];

function turned(from: Labels, into: Labels): readonly Step[] {
  const perm = into.map((label) => from.indexOf(label));
  if (perm.every((axis, i) => axis === i)) return [];
  return [{ op: "Transpose", others: [], attributes: { perm: ints(perm) } }];
}

/** The steps on a value; the last one gives `output` where it is named. */
function write(value: string, steps: readonly Step[], to: Writer, output?: string): string {
  const named = output !== undefined && steps.length === 0;
  const all = named ? [{ op: "Identity", others: [], attributes: {} }] : steps;
  return all.reduce(
    (last, { op, others, attributes }, i) =>
      to.add(op, [last, ...others], attributes, i === all.length - 1 ? output : undefined),
    value,
  );
}

export const einsumExpansions: ExpansionTable = { Einsum: einsum };

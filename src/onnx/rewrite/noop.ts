/**
 * @file Leaves out operators that change nothing, and makes one of two that move the same data one after the other.
 * Other passes leave such remains behind, and so do exporters and differentiation.
 */
import { int, intAttribute, ints } from "../attributes.js";
import { GraphBuilder } from "../builder.js";
import { type Shape, sameDim } from "../dim.js";
import type { Model, Node } from "../graph.js";
import { neededBy } from "../order.js";
import { inferTypes } from "./known.js";
import { rebuilt } from "./model.js";
import { axisGroups } from "./reshape.js";
import type { Known } from "./rule.js";
import { reducedAxes } from "./rules/contract.js";
import { permutation, reshapeTarget } from "./rules/layout.js";
import { scalarOf } from "./scalar.js";

/** What a node may be replaced by: a value that is there already, or another operator with the same output. */
type Replacement = { readonly value: string } | { readonly node: Node };

interface View {
  readonly known: Known;
  /** A constant of integers. */
  ints(values: readonly number[]): string;
  /** The node that makes a value. */
  maker(name: string): Node | undefined;
}

type Peephole = (node: Node, view: View) => Replacement | undefined;

export function sameShape(a: Shape | undefined, b: Shape | undefined): boolean {
  return a !== undefined && a.length === b?.length && a.every((d, i) => sameDim(d, b[i]));
}

const CHANGES_SHAPE = new Set(["Reshape", "Squeeze", "Unsqueeze", "Flatten"]);

/** Operators whose output is their input where it has the same shape. */
const PASSES_SAME_SHAPE = new Set([...CHANGES_SHAPE, "Expand"]);

const first = (node: Node): string => node.inputs[0] ?? "";
const output = (node: Node): string => node.outputs[0] ?? "";

const unchanged: Peephole = (node, { known }) => {
  const x = first(node);
  const same = sameShape(known.shape(x), known.shape(output(node)));
  if (node.op === "Identity" || (PASSES_SAME_SHAPE.has(node.op) && same)) return { value: x };
  if (node.op === "Concat" && node.inputs.length === 1) return { value: x };
  if (node.op === "Slice" && same && isForward(node, known)) return { value: x };
  if (node.op === "Pad" && known.numbers(node.inputs[1] ?? "")?.every((pad) => pad === 0))
    return { value: x };
  if (node.op === "Cast" && known.dtype(x) === known.dtype(output(node))) {
    return known.dtype(x) === "other" ? undefined : { value: x };
  }
  return undefined;
};

/** A Slice in steps of 1: one backwards keeps the shape and changes the order. */
function isForward(node: Node, known: Known): boolean {
  const steps = node.inputs[4];
  return !steps || (known.numbers(steps)?.every((step) => step === 1) ?? false);
}

/** Multiplying by 1 and adding 0, where the operand does not change the shape either. */
const neutral: Peephole = (node, { known }) => {
  const element = { Mul: 1, Div: 1, Add: 0, Sub: 0 }[node.op];
  if (element === undefined) return undefined;
  const shape = known.shape(output(node));
  const [a = "", b = ""] = node.inputs;
  const isNeutral = (name: string) => scalarOf(known.constant(name)) === element;
  if (isNeutral(b) && sameShape(known.shape(a), shape)) return { value: a };
  const commutes = node.op === "Mul" || node.op === "Add";
  return commutes && isNeutral(a) && sameShape(known.shape(b), shape) ? { value: b } : undefined;
};

const transposes: Peephole = (node, { known, maker }) => {
  if (node.op !== "Transpose") return undefined;
  const shape = known.shape(first(node));
  if (shape === undefined) return undefined;
  const perm = permutation(node, shape.length);
  if (perm.every((axis, i) => axis === i)) return { value: first(node) };
  const inner = maker(first(node));
  if (inner?.op === "Transpose") {
    const before = permutation(inner, shape.length);
    return {
      node: {
        ...node,
        inputs: [first(inner)],
        attributes: { perm: ints(perm.map((axis) => before[axis] ?? axis)) },
      },
    };
  }
  return undefined;
};

/** A Transpose that moves nothing but axes of extent 1 only changes the shape. */
const unitTranspose: Peephole = (node, view) => {
  const { known } = view;
  const shape = known.shape(first(node));
  if (node.op !== "Transpose" || shape === undefined) return undefined;
  const moved = permutation(node, shape.length).filter((axis) => shape[axis] !== 1);
  if (moved.some((axis, i) => i > 0 && axis < (moved[i - 1] ?? 0))) return undefined;
  return reshaped(node, first(node), view);
};

/** The node's output as a Reshape of a value. */
function reshaped(node: Node, from: string, { known, ints: constant }: View): Replacement | undefined {
  const target = reshapeTarget(known.shape(output(node)) ?? [null, null]);
  if (target === undefined) return undefined;
  return { node: { ...node, op: "Reshape", inputs: [from, constant(target)], attributes: {} } };
}

const reshapes: Peephole = (node, view) => {
  const { known, maker } = view;
  if (!CHANGES_SHAPE.has(node.op)) return undefined;
  const inner = maker(first(node));
  if (inner === undefined) return undefined;
  if (CHANGES_SHAPE.has(inner.op)) {
    const back = sameShape(known.shape(first(inner)), known.shape(output(node)));
    return back ? { value: first(inner) } : reshaped(node, first(inner), view);
  }
  return inner.op === "Transpose" ? roundabout(node, inner, view) : undefined;
};

/**
 * Axes merged, moved as one, and split again as they were: one Transpose of all axes. (An exporter's way to swap the
 * last two axes of a tensor of rank 4.)
 */
function roundabout(node: Node, inner: Node, { known, maker }: View): Replacement | undefined {
  const merge = maker(first(inner));
  if (merge === undefined || !CHANGES_SHAPE.has(merge.op)) return undefined;
  const from = known.shape(first(merge));
  const to = known.shape(output(merge));
  const groups = from && to && axisGroups(from, to);
  if (!from || !to || !groups?.every((group) => group.to[1] - group.to[0] === 1)) return undefined;
  const perm = permutation(inner, to.length).flatMap((axis) => {
    const group = groups.find((g) => g.to[0] === axis)?.from ?? [0, 0];
    return Array.from({ length: group[1] - group[0] }, (_, i) => group[0] + i);
  });
  const shape = perm.map((axis) => from[axis] ?? null);
  if (!sameShape(shape, known.shape(output(node)))) return undefined;
  return { node: { ...node, op: "Transpose", inputs: [first(merge)], attributes: { perm: ints(perm) } } };
}

/** A reduction over axes of extent 1 reduces nothing. */
const reductions: Peephole = (node, { known, ints: constant }) => {
  if (!/^Reduce(Sum|Mean|Max|Min|Prod)$/.test(node.op)) return undefined;
  const shape = known.shape(first(node));
  const axes = reducedAxes(node, known);
  if (!shape || !axes?.every((axis) => shape[axis] === 1)) return undefined;
  if (axes.length === 0 || intAttribute(node, "keepdims", 1) !== 0) return { value: first(node) };
  return { node: { ...node, op: "Squeeze", inputs: [first(node), constant(axes)], attributes: {} } };
};

/** Concat of a Concat along the same axis. */
const concats: Peephole = (node, { known, maker }) => {
  if (node.op !== "Concat") return undefined;
  const rank = known.shape(output(node))?.length ?? 0;
  const axisOf = (n: Node) => {
    const axis = intAttribute(n, "axis", 0);
    return axis < 0 ? axis + rank : axis;
  };
  const inputs = node.inputs.flatMap((name) => {
    const inner = maker(name);
    return inner?.op === "Concat" && axisOf(inner) === axisOf(node) ? inner.inputs : [name];
  });
  if (inputs.length === node.inputs.length) return undefined;
  return { node: { ...node, inputs, attributes: { axis: int(axisOf(node)) } } };
};

const BROADCASTS = new Set(["Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Where", "Sum"]);

/** What an element-wise operator spreads out anyway need not be spread out before. */
const expands: Peephole = (node, { known, maker }) => {
  if (!BROADCASTS.has(node.op)) return undefined;
  const shape = known.shape(output(node));
  const expanded = node.inputs.findIndex((name) => maker(name)?.op === "Expand");
  const source = expanded < 0 ? undefined : maker(node.inputs[expanded] ?? "")?.inputs[0];
  const others = node.inputs.filter((_, i) => i !== expanded);
  if (source === undefined || !others.some((name) => sameShape(known.shape(name), shape))) return undefined;
  return { node: { ...node, inputs: node.inputs.map((name, i) => (i === expanded ? source : name)) } };
};

const PEEPHOLES: readonly Peephole[] = [
  unchanged,
  neutral,
  transposes,
  unitTranspose,
  reshapes,
  reductions,
  concats,
  expands,
];

/** The model without operators that do nothing. Graph outputs and `keep` keep their names. */
export function removeNoops(model: Model, keep: readonly string[] = []): Model {
  const { graph } = model;
  const builder = GraphBuilder.rebuilding(model);
  const captured = graph.nodes.flatMap((node) => neededBy({ ...node, inputs: [] }));
  const fixed = new Set([...keep, ...captured, ...graph.outputs.map((o) => o.name)]);
  const same = new Map<string, string>();
  const makers = new Map<string, Node>();
  const view: View = {
    known: inferTypes(model),
    ints: (values) => builder.ints(values),
    maker: (name) => makers.get(name),
  };
  for (const old of graph.nodes) {
    const node = { ...old, inputs: old.inputs.map((name) => same.get(name) ?? name) };
    const better = node.domain === "" && node.outputs.length === 1 ? improve(node, view) : { node };
    if ("value" in better && !fixed.has(output(node))) {
      same.set(output(node), better.value);
      continue;
    }
    const written =
      "node" in better ? better.node : { ...node, op: "Identity", inputs: [better.value], attributes: {} };
    builder.push(written);
    for (const name of node.outputs) makers.set(name, written);
  }
  return withoutLastIdentities(rebuilt(model, builder, keep), fixed);
}

/** Gives what an Identity copies to a fixed name that name itself. */
function withoutLastIdentities(model: Model, fixed: ReadonlySet<string>): Model {
  const { graph } = model;
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  const names = new Map<string, string>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const x = first(node);
    const renames =
      node.op === "Identity" && node.domain === "" && made.has(x) && !fixed.has(x) && !names.has(x);
    if (renames) names.set(x, output(node));
    else nodes.push(node);
  }
  if (names.size === 0) return model;
  const rename = (name: string): string => names.get(name) ?? name;
  const renamed = nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }));
  return { ...model, graph: { ...graph, nodes: renamed } };
}

/** Applies peepholes until none fits. */
function improve(node: Node, view: View): Replacement {
  let current = node;
  for (let i = 0; i < PEEPHOLES.length; i++) {
    const better = PEEPHOLES[i]?.(current, view);
    if (better === undefined) continue;
    if ("value" in better) return better;
    current = better.node;
    i = -1;
  }
  return { node: current };
}

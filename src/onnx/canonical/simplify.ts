/**
 * @file Detours that exporters take: Reshape after Reshape, Transpose after Transpose, a Transpose between Reshapes
 * that only join and part leading axes (torch's swap of the last two axes of keys), a Softmax over rows that were
 * joined for it (opset 12 and older, lifted), an operand expanded by hand.
 */
import { int, intAttribute, ints, intsAttribute } from "../attributes.js";
import { GraphBuilder } from "../builder.js";
import { isStaticShape, type Shape } from "../dim.js";
import type { Model, Node } from "../graph.js";
import { sameShape } from "../shape/no-op.js";
import { broadcast } from "../shape/rule.js";
import { Lookup } from "./match.js";

/** Broadcast both operands by themselves. */
const BROADCASTS = ["Add", "Sub", "Mul", "Div", "Pow", "Min", "Max"];

/** Keep the order of elements, and only change the dimensions. */
const REARRANGES = ["Reshape", "Flatten", "Squeeze", "Unsqueeze"];

/** The model without detours; what something else reads is kept as well. Needs types. */
export function joinRearrangements(model: Model): Model {
  return [withoutExpand, transposeBetween, softmaxBetween, joinPair].reduce(rewrite, model);
}

type Rule = (node: Node, lookup: Lookup, builder: GraphBuilder, made: ReadonlyMap<string, Node>) => Node;

function rewrite(model: Model, rule: Rule): Model {
  const lookup = new Lookup(model.graph);
  const builder = GraphBuilder.rebuilding(model);
  const made = new Map<string, Node>();
  for (const node of model.graph.nodes) {
    const next = rule(node, lookup, builder, made);
    made.set(next.outputs[0] ?? "", next);
    builder.push(next);
  }
  return { ...model, graph: builder.build() };
}

/** Reshape [L…, n] → [P, n], Softmax of the last axis, Reshape → [L…, n] is the Softmax alone. */
const softmaxBetween: Rule = (node, lookup) => {
  const soft = node.op === "Reshape" ? lookup.maker(node.inputs[0], "Softmax") : undefined;
  const first = lookup.maker(soft?.inputs[0], ...REARRANGES);
  if (node.domain !== "" || soft === undefined || first === undefined) return node;
  const apart = [soft, first].every((inner) => lookup.onlyUser(inner.outputs[0]) !== undefined);
  const source = lookup.shape(first.inputs[0]);
  const joined = lookup.shape(first.outputs[0]);
  const row = joined?.at(-1);
  const axis = intAttribute(soft, "axis", -1);
  const last = axis === -1 || axis === (joined?.length ?? 0) - 1;
  const same = source !== undefined && sameShape(source, lookup.shape(node.outputs[0]));
  if (!apart || !last || !same || typeof row !== "number" || source.at(-1) !== row) return node;
  return { ...soft, inputs: first.inputs.slice(0, 1), outputs: node.outputs, attributes: { axis: int(-1) } };
};

const joinPair: Rule = (node, lookup, builder, made) => {
  const [middle = ""] = node.inputs;
  const before = made.get(middle);
  if (before?.domain !== "" || node.domain !== "" || lookup.onlyUser(middle) === undefined) return node;
  const [source = ""] = before.inputs;
  if (node.op === "Transpose" && before.op === "Transpose") {
    const [outer, inner] = [intsAttribute(node, "perm"), intsAttribute(before, "perm")];
    if (outer === undefined || inner === undefined) return node;
    const perm = outer.map((axis) => inner[axis] ?? axis);
    if (perm.some((axis, i) => axis !== i))
      return { ...node, inputs: [source], attributes: { perm: ints(perm) } };
    return { ...node, op: "Identity", inputs: [source], attributes: {} };
  }
  if (!REARRANGES.includes(node.op) || !REARRANGES.includes(before.op)) return node;
  const shape = lookup.shape(node.outputs[0]);
  const open = shape?.filter((d) => typeof d !== "number").length ?? 2;
  if (shape === undefined || open > 1 || shape.includes(0)) return node;
  const target = isStaticShape(shape) ? shape : shape.map((d) => (typeof d === "number" ? d : -1));
  return { ...node, op: "Reshape", inputs: [source, builder.ints(target, "shape")], attributes: {} };
};

/** An operand expanded to the other's shape (PyTorch's expand_as) is broadcast anyway. */
const withoutExpand: Rule = (node, lookup) => {
  const result = lookup.shape(node.outputs[0]);
  if (node.domain !== "" || !BROADCASTS.includes(node.op) || node.inputs.length !== 2) return node;
  const inputs = node.inputs.map((name, i) => {
    const source = lookup.maker(name, "Expand")?.inputs[0];
    const other = node.inputs[1 - i];
    if (source === undefined || !sameShape(lookup.shape(other), result)) return name;
    return sameShape(broadcast([lookup.shape(source), lookup.shape(other)]), result) ? source : name;
  });
  // The other operand of an Expand is as it was: at most one of the two is replaced.
  const [a = "", b = ""] = node.inputs;
  return { ...node, inputs: inputs[0] === a ? inputs : [inputs[0] ?? a, b] };
};

/** Reshape [L…, A…] → [P, A…], Transpose of A, Reshape → [L…, A'…] is one Transpose of [L…, A…]. */
const transposeBetween: Rule = (node, lookup) => {
  const turn = node.op === "Reshape" ? lookup.maker(node.inputs[0], "Transpose") : undefined;
  const first = lookup.maker(turn?.inputs[0], ...REARRANGES);
  const perm = turn && intsAttribute(turn, "perm");
  if (node.domain !== "" || turn === undefined || first === undefined || perm?.[0] !== 0) return node;
  const apart = [turn, first].every((inner) => lookup.onlyUser(inner.outputs[0]) !== undefined);
  const source = lookup.shape(first.inputs[0]);
  const joined = lookup.shape(first.outputs[0]);
  if (!apart || source === undefined || joined === undefined) return node;
  const lead = source.length - (joined.length - 1);
  const tail = joined.slice(1);
  if (lead < 1 || !sameShape(source.slice(lead), tail)) return node;
  const turned: Shape = [...source.slice(0, lead), ...perm.slice(1).map((axis) => tail[axis - 1] ?? null)];
  if (!sameShape(turned, lookup.shape(node.outputs[0]))) return node;
  const whole = [...source.keys()].slice(0, lead).concat(perm.slice(1).map((axis) => axis - 1 + lead));
  return { ...node, op: "Transpose", inputs: first.inputs.slice(0, 1), attributes: { perm: ints(whole) } };
};

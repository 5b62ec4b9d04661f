/**
 * @file Recognises Gelu written out, x/2·(1 + erf(x/√2)) or its tanh approximation, in the orders that exporters
 * have. As one operator it is computed in one pass, and differentiated as one unit.
 */
import { string } from "../attributes.js";
import { GraphBuilder } from "../builder.js";
import type { Model, Node } from "../graph.js";
import { close, Lookup } from "./match.js";

interface Match {
  readonly source: string;
  readonly approximate: "none" | "tanh";
}

/** The model with written-out Gelus as single nodes. */
export function recogniseGelu(model: Model): Model {
  const lookup = new Lookup(model.graph);
  const found = new Map<Node, Match>();
  for (const node of model.graph.nodes) {
    const match = geluOf(node, lookup);
    if (match) found.set(node, match);
  }
  if (found.size === 0) return model;
  const builder = GraphBuilder.rebuilding(model);
  for (const node of model.graph.nodes) {
    const match = found.get(node);
    if (match === undefined) builder.push(node);
    else {
      const attributes = match.approximate === "tanh" ? { approximate: string("tanh") } : {};
      builder.push({ ...node, op: "Gelu", inputs: [match.source], attributes });
    }
  }
  return { ...model, graph: builder.build() };
}

/** Factors of a product of one half, x, and 1 + gate, however they are bracketed; the last Mul is `node`. */
function factors(name: string, lookup: Lookup, depth: number): readonly string[] {
  const product = depth > 0 ? lookup.maker(name, "Mul") : undefined;
  return product === undefined
    ? [name]
    : product.inputs.flatMap((input) => factors(input, lookup, depth - 1));
}

function geluOf(node: Node, lookup: Lookup): Match | undefined {
  if (node.domain !== "" || node.op !== "Mul") return undefined;
  const parts = node.inputs.flatMap((input) => factors(input, lookup, 1));
  const gates = parts.flatMap((part) => gateOf(part, lookup) ?? []);
  const [gate] = gates;
  if (parts.length !== 3 || gates.length !== 1 || gate === undefined) return undefined;
  const halves = parts.filter((part) => lookup.scalar(part) === 0.5);
  const rest = parts.filter(
    (part) => lookup.scalar(part) === undefined && gateOf(part, lookup) === undefined,
  );
  return halves.length === 1 && rest[0] === gate.source ? gate : undefined;
}

/** 1 + erf(x/√2), or 1 + tanh(√(2/π)·(x + 0.044715·x³)). */
function gateOf(name: string, lookup: Lookup): Match | undefined {
  const sum = lookup.withScalar(lookup.maker(name, "Add"));
  if (sum?.value !== 1) return undefined;
  const erf = lookup.maker(sum.other, "Erf");
  if (erf) {
    const source = scaled(erf.inputs[0], Math.SQRT1_2, lookup);
    return source === undefined ? undefined : { source, approximate: "none" };
  }
  const tanh = lookup.maker(sum.other, "Tanh");
  const inner = scaled(tanh?.inputs[0], Math.sqrt(2 / Math.PI), lookup);
  const polynomial = lookup.maker(inner, "Add");
  const [a, b] = polynomial?.inputs ?? [];
  if (isCube(a, b, lookup)) return { source: b ?? "", approximate: "tanh" };
  return isCube(b, a, lookup) ? { source: a ?? "", approximate: "tanh" } : undefined;
}

/** x where the value is x·factor, written as a product or a quotient. */
function scaled(name: string | undefined, factor: number, lookup: Lookup): string | undefined {
  const division = lookup.maker(name, "Div");
  if (division) {
    const divisor = lookup.scalar(division.inputs[1]);
    return divisor !== undefined && close(1 / divisor, factor) ? division.inputs[0] : undefined;
  }
  const product = lookup.withScalar(lookup.maker(name, "Mul"));
  return close(product?.value, factor) ? product?.other : undefined;
}

/** 0.044715·x³, as a power or as a product. */
function isCube(name: string | undefined, source: string | undefined, lookup: Lookup): boolean {
  const product = lookup.withScalar(lookup.maker(name, "Mul"));
  if (!close(product?.value, 0.044715) || source === undefined) return false;
  const power = lookup.maker(product?.other, "Pow");
  if (power) return power.inputs[0] === source && lookup.scalar(power.inputs[1]) === 3;
  return factors(product?.other ?? "", lookup, 2).every((part) => part === source);
}

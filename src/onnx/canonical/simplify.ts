/** @file Two re-arrangements in a row as one: Reshape after Reshape, Transpose after Transpose. */
import { ints, intsAttribute } from "../attributes.js";
import { GraphBuilder } from "../builder.js";
import { isStaticShape } from "../dim.js";
import type { Model, Node } from "../graph.js";
import { Lookup } from "./match.js";

/** The model with chains of Reshapes and Transposes joined where nothing else reads what is between. */
export function joinRearrangements(model: Model): Model {
  const lookup = new Lookup(model.graph);
  const builder = GraphBuilder.rebuilding(model);
  const joined = new Map<string, Node>();
  for (const node of model.graph.nodes) {
    const next = join(node, builder, joined, lookup);
    joined.set(next.outputs[0] ?? "", next);
    builder.push(next);
  }
  return { ...model, graph: builder.build() };
}

function join(node: Node, builder: GraphBuilder, joined: ReadonlyMap<string, Node>, lookup: Lookup): Node {
  const [middle = ""] = node.inputs;
  const before = joined.get(middle);
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
  if (!REARRANGES.has(node.op) || !REARRANGES.has(before.op)) return node;
  const shape = lookup.graph.types.get(node.outputs[0] ?? "")?.shape;
  const open = shape?.filter((d) => typeof d !== "number").length ?? 2;
  if (shape === undefined || open > 1 || shape.includes(0)) return node;
  const target = isStaticShape(shape) ? shape : shape.map((d) => (typeof d === "number" ? d : -1));
  return { ...node, op: "Reshape", inputs: [source, builder.ints(target, "shape")], attributes: {} };
}

/** Keep the order of elements, and only change the dimensions. */
const REARRANGES = new Set(["Reshape", "Flatten", "Squeeze", "Unsqueeze"]);

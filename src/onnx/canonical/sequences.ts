/**
 * @file Lists of tensors that are taken apart again at once, as PyTorch's exporter leaves `split` and `chunk` when it
 * does not optimise: no pass behind knows lists, so each item becomes the Slice that it is.
 */
import { int, intAttribute } from "../attributes.js";
import { GraphBuilder } from "../builder.js";
import type { Model, Node, Tensor } from "../graph.js";
import { elementCount, tensorToInts } from "../tensor.js";

const MAKES_LIST: ReadonlySet<string> = new Set(["SplitToSequence", "SequenceConstruct"]);

/** The opset from which Squeeze takes its axes as an input. */
const AXES_AS_INPUT = 13;

/** The model without lists where their items are known; others stay. Functions must be inlined. */
export function lowerSequences(model: Model): Model {
  const { graph } = model;
  const lists = new Map(
    graph.nodes.filter((n) => n.domain === "" && MAKES_LIST.has(n.op)).map((n) => [n.outputs[0] ?? "", n]),
  );
  if (lists.size === 0) return model;
  const builder = GraphBuilder.rebuilding(model);
  for (const node of graph.nodes) {
    const list = lists.get(node.inputs[0] ?? "");
    builder.push((list && node.domain === "" && withoutList(node, list, builder)) || node);
  }
  return { ...model, graph: builder.build() };
}

function withoutList(node: Node, list: Node, builder: GraphBuilder): Node | undefined {
  if (node.op === "SequenceAt") {
    const index = ints(builder.constantOf(node.inputs[1] ?? ""))?.[0];
    return index === undefined ? undefined : item(node, list, index, builder);
  }
  if (node.op !== "ConcatFromSequence" || list.op !== "SequenceConstruct") return undefined;
  if (intAttribute(node, "new_axis", 0) !== 0) return undefined;
  return {
    ...node,
    op: "Concat",
    inputs: list.inputs,
    attributes: { axis: int(intAttribute(node, "axis", 0)) },
  };
}

function item(node: Node, list: Node, index: number, builder: GraphBuilder): Node | undefined {
  if (list.op === "SequenceConstruct") {
    const source = list.inputs.at(index);
    return source === undefined ? undefined : { ...node, op: "Identity", inputs: [source], attributes: {} };
  }
  const [source = "", split = ""] = list.inputs;
  const range = rangeOf(builder.constantOf(split), split === "", index);
  if (range === undefined) return undefined;
  const axis = builder.ints([intAttribute(list, "axis", 0)], "axes");
  const inputs = [source, builder.ints([range[0]], "start"), builder.ints([range[1]], "end"), axis];
  const slice: Node = { ...node, op: "Slice", inputs, attributes: {} };
  // Only items of length 1, as they are without sizes, can lose their axis.
  if (split !== "" || intAttribute(list, "keepdims", 1) !== 0) return slice;
  if (builder.opset < AXES_AS_INPUT) return undefined;
  return { ...node, op: "Squeeze", inputs: [builder.add("Slice", inputs), axis], attributes: {} };
}

/** [start, end) of an item along the axis: lengths in a list, one length for all (the last may be shorter), or 1. */
function rangeOf(
  split: Tensor | undefined,
  ones: boolean,
  index: number,
): readonly [number, number] | undefined {
  const lengths = ones ? [1] : ints(split);
  if (lengths === undefined) return undefined;
  if (ones || split?.dims.length === 0) {
    const length = lengths[0] ?? 1;
    // From the end they can only be counted where the axis is known.
    return index < 0 ? undefined : [index * length, (index + 1) * length];
  }
  const at = index < 0 ? index + lengths.length : index;
  const length = lengths[at];
  const start = lengths.slice(0, at).reduce((sum, each) => sum + each, 0);
  return length === undefined ? undefined : [start, start + length];
}

const ints = (tensor: Tensor | undefined): readonly number[] | undefined =>
  tensor?.dtype.startsWith("int") && elementCount(tensor.dims) > 0 ? tensorToInts(tensor) : undefined;

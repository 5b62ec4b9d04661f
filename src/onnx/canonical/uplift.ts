/**
 * @file One opset for everything behind: nodes written for an older ai.onnx are rewritten to mean the same at
 * opset 20, so that no later pass has to know two spellings. Newer models keep their opset. (20 is where Gelu came:
 * one operator where exporters otherwise write five.)
 */
import { floatAttribute, int, intAttribute, intsAttribute, string, stringAttribute } from "../attributes.js";
import { CANONICAL_OPSET, type GraphBuilder } from "../builder.js";
import { isStatic } from "../dim.js";
import { VitreousError } from "../errors.js";
import type { Attribute, DataType, Graph, Model, Node } from "../graph.js";
import { describeNode } from "../order.js";

/** IR version that opset 20 came with. */
const CANONICAL_IR = 9;

/** Operators whose change before opset 13 is not worth a rule: no exporter of vision transformers writes them. */
const TOO_OLD: Readonly<Record<string, number>> = {
  Upsample: 10,
  Resize: 11,
  Scatter: 11,
  TopK: 10,
  BatchNormalization: 9,
};

const AXES_TO_INPUT = new Set(["Squeeze", "Unsqueeze"]);
const COERCED_TO_2D = new Set(["Softmax", "LogSoftmax", "Hardmax"]);

/** The model's versions lifted to opset 20; its nodes still have to be. */
export function upliftVersions(model: Model): Model {
  const from = model.opsets.get("") ?? CANONICAL_OPSET;
  const opsets = new Map(model.opsets).set("", Math.max(from, CANONICAL_OPSET));
  return { ...model, opsets, irVersion: Math.max(model.irVersion, CANONICAL_IR) };
}

/**
 * The node, written for opset `from`, as it is written at opset 20: every Split with explicit sizes where they are
 * known, axes as inputs. Constants and helper nodes it needs are added to the builder.
 */
export function upliftNode(node: Node, from: number, builder: GraphBuilder): Node {
  const outer = withUpliftedBodies(node, from, builder);
  if (node.domain !== "") return outer;
  if (from < (TOO_OLD[node.op] ?? 0)) {
    throw new VitreousError(
      `${describeNode(node)} is written for opset ${from}, which is too old for its kind. Export the model again with opset 13 or later.`,
    );
  }
  if (node.op === "Split") return explicitSplit(outer, builder);
  if (from >= CANONICAL_OPSET) return outer;
  if (from < 13 && COERCED_TO_2D.has(node.op)) return uncoerced(outer, builder);
  if (node.op.startsWith("Reduce") || AXES_TO_INPUT.has(node.op)) {
    const axes = intsAttribute(node, "axes");
    return axes ? withInputs(outer, [node.inputs[0] ?? "", builder.ints(axes, "axes")], ["axes"]) : outer;
  }
  if (node.op === "GridSample") return renamedMode(outer);
  if (from < 12 && node.op === "Dropout")
    return { ...outer, outputs: node.outputs.slice(0, 1), attributes: {} };
  if (from < 11) return attributesToInputs(outer, builder);
  return outer;
}

/** GridSample's modes lost their "bi" at opset 20. */
function renamedMode(node: Node): Node {
  const mode = stringAttribute(node, "mode", "bilinear").replace(/^bi/, "");
  return { ...node, attributes: { ...node.attributes, mode: string(mode) } };
}

/** Slice, Clip and Pad took attributes before opset 10 and 11. */
function attributesToInputs(node: Node, builder: GraphBuilder): Node {
  const [source = ""] = node.inputs;
  const dtype: DataType = builder.typeOf(source).dtype;
  switch (node.op) {
    case "Slice": {
      const starts = intsAttribute(node, "starts");
      if (starts === undefined) return node;
      const axes = intsAttribute(node, "axes") ?? starts.map((_, i) => i);
      const inputs = [starts, intsAttribute(node, "ends") ?? [], axes].map((list) => builder.ints(list));
      return withInputs(node, [source, ...inputs], ["starts", "ends", "axes"]);
    }
    case "Clip": {
      const bounds = ["min", "max"].map((name) => floatAttribute(node, name));
      const inputs = bounds.map((bound) => (bound === undefined ? "" : builder.float(bound, dtype)));
      return node.inputs.length > 1 ? node : withInputs(node, [source, ...inputs], ["min", "max"]);
    }
    case "Pad": {
      const pads = intsAttribute(node, "pads");
      if (pads === undefined) return node;
      const value = builder.float(floatAttribute(node, "value", 0), dtype);
      return withInputs(node, [source, builder.ints(pads), value], ["pads", "value"]);
    }
    default:
      return node;
  }
}

/** Split into equal parts says the sizes, where the axis is known; since opset 18 it must at least say how many. */
function explicitSplit(node: Node, builder: GraphBuilder): Node {
  const [source = "", sizes] = node.inputs;
  const given = intsAttribute(node, "split");
  if (given) return withInputs(node, [source, builder.ints(given, "split")], ["split"]);
  if (sizes) return node;
  const parts = node.outputs.length;
  const shape = builder.shapeOf(source);
  const axis = intAttribute(node, "axis", 0);
  const size = shape?.at(axis);
  if (!isStatic(size)) return { ...node, attributes: { ...node.attributes, num_outputs: int(parts) } };
  const each = Math.ceil(size / parts);
  const list = Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(each, size - i * each)));
  return withInputs(node, [source, builder.ints(list, "split")], ["num_outputs"]);
}

function withInputs(node: Node, inputs: readonly string[], dropped: readonly string[]): Node {
  const attributes = Object.fromEntries(
    Object.entries(node.attributes).filter(([name]) => !dropped.includes(name)),
  );
  return { ...node, inputs, attributes };
}

/** Before opset 13 Softmax flattened its input at `axis` and worked on all that follows. */
function uncoerced(node: Node, builder: GraphBuilder): Node {
  const [source = ""] = node.inputs;
  const shape = builder.shapeOf(source);
  const axis = intAttribute(node, "axis", 1);
  if (shape !== undefined && (axis === -1 || axis === shape.length - 1)) {
    return { ...node, attributes: { axis: int(-1) } };
  }
  const scope = node.scope === undefined ? {} : { scope: node.scope };
  const flat = builder.add("Flatten", [source], { axis: int(axis) }, scope);
  const soft = builder.add(node.op, [flat], { axis: int(-1) }, scope);
  return {
    ...node,
    op: "Reshape",
    inputs: [soft, builder.add("Shape", [source], {}, scope)],
    attributes: {},
  };
}

/** Bodies of If and Loop are written for the same opset; their constants may stand in the graph around. */
function withUpliftedBodies(node: Node, from: number, builder: GraphBuilder): Node {
  const entries = Object.entries(node.attributes);
  if (!entries.some(([, { kind }]) => kind === "graph")) return node;
  const attributes = entries.map(([key, attribute]): [string, Attribute] => {
    if (attribute.kind !== "graph") return [key, attribute];
    const body: Graph = attribute.value;
    const nodes = body.nodes.map((child) => upliftNode(child, from, builder));
    return [key, { kind: "graph", value: { ...body, nodes } }];
  });
  return { ...node, attributes: Object.fromEntries(attributes) };
}

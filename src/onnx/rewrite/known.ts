/** @file What the row analysis knows of a graph's values before it rewrites them: shapes, contents, and zeros. */
import type { Graph, Model, Tensor } from "../graph.js";
import { Inference } from "../shape/inference.js";
import { type Box, whole } from "./box.js";
import type { Known } from "./rule.js";
import { ruleOf } from "./rules.js";

/** Constants are searched for anything but zeros; that ends at the first such byte. */
function isZero(tensor: Tensor): boolean {
  return tensor.strings === undefined && tensor.bytes.every((byte) => byte === 0);
}

/** Infers the graph's types, and walks it forwards to learn where values are zero. */
export function learn(model: Model): Known {
  const { graph } = model;
  const inference = new Inference(model.opsets.get("") ?? 0);
  inference.enter(graph);
  const supports = new Map<string, Box | null>();
  const known: Known = {
    opset: inference.opset,
    shape: (name) => inference.type(name)?.shape,
    constant: (name) => graph.constants.get(name),
    numbers(name) {
      const content = inference.ints(name);
      return content?.every((d) => typeof d === "number") ? content : undefined;
    },
    support(name) {
      const box = supports.get(name);
      return box === undefined ? whole(inference.type(name)?.shape) : box;
    },
  };
  for (const [name, tensor] of graph.constants) if (isZero(tensor)) supports.set(name, null);
  visitNodes(graph, inference, known, supports);
  return known;
}

function visitNodes(
  graph: Graph,
  inference: Inference,
  known: Known,
  supports: Map<string, Box | null>,
): void {
  for (const node of graph.nodes) {
    inference.visit(node);
    const support = ruleOf(node)?.support;
    const [output = ""] = node.outputs;
    if (support === undefined || known.shape(output) === undefined) continue;
    const box = support(node, known);
    // A box of another rank would come of shapes that contradict each other: nothing is known then.
    if (box === null || box.length === known.shape(output)?.length) supports.set(output, box);
  }
}

/** @file What the row analysis knows of a graph's values before it rewrites them: shapes, contents, and zeros. */
import type { Model, Tensor } from "../graph.js";
import { Inference } from "../shape/inference.js";
import { type Box, whole } from "./box.js";
import type { Known } from "./rule.js";
import { ruleOf } from "./rules.js";

/** Constants are searched for anything but zeros; that ends at the first such byte. */
function isZero(tensor: Tensor): boolean {
  return tensor.strings === undefined && tensor.bytes.every((byte) => byte === 0);
}

/** Types and contents of a graph's values, and nothing about zeros. */
export function inferTypes({ graph, opsets }: Model): Known {
  const inference = new Inference(opsets.get("") ?? 0);
  inference.enter(graph);
  for (const node of graph.nodes) inference.visit(node);
  return {
    opset: inference.opset,
    dtype: (name) => inference.type(name)?.dtype ?? "other",
    shape: (name) => inference.type(name)?.shape,
    constant: (name) => graph.constants.get(name),
    numbers(name) {
      const content = inference.ints(name);
      return content?.every((d) => typeof d === "number") ? content : undefined;
    },
    support: (name) => whole(inference.type(name)?.shape),
  };
}

/** Also walks the graph forwards to learn where values are zero. */
export function learn(model: Model): Known {
  const types = inferTypes(model);
  const supports = new Map<string, Box | null>();
  const known: Known = {
    ...types,
    support(name) {
      const box = supports.get(name);
      return box === undefined ? types.support(name) : box;
    },
  };
  for (const [name, tensor] of model.graph.constants) if (isZero(tensor)) supports.set(name, null);
  for (const node of model.graph.nodes) {
    const support = ruleOf(node)?.support;
    const [output = ""] = node.outputs;
    const rank = known.shape(output)?.length;
    if (support === undefined || rank === undefined) continue;
    const box = support(node, known);
    // A box of another rank would come of shapes that contradict each other: nothing is known then.
    if (box === null || box.length === rank) supports.set(output, box);
  }
  return known;
}

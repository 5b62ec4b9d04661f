/**
 * @file What a Constant node yields. Exporters write constants as nodes as often as initialisers; in our graphs
 * they are all constants. Specification: https://onnx.ai/onnx/operators/onnx__Constant.html
 */
import { VitreousError } from "../errors.js";
import type { Node, Tensor } from "../graph.js";
import { float32Tensor, int64Tensor, stringTensor } from "../tensor.js";

/** True for a node whose value is known when the model is read. */
export function isConstantNode(node: Node): boolean {
  return node.op === "Constant" && node.domain === "";
}

/** The value of a Constant node. Throws VitreousError for a sparse one or one without a value. */
export function constantValue(node: Node): Tensor {
  const entry = Object.entries(node.attributes).find(([name]) => name.startsWith("value"));
  const attribute = entry?.[1];
  switch (attribute?.kind) {
    case "tensor":
      return attribute.value;
    case "int":
      return int64Tensor([], [attribute.value]);
    case "ints":
      return int64Tensor([attribute.value.length], attribute.value);
    case "float":
      return float32Tensor([], [attribute.value]);
    case "floats":
      return float32Tensor([attribute.value.length], attribute.value);
    case "string":
      return stringTensor([], [attribute.value]);
    case "strings":
      return stringTensor([attribute.value.length], attribute.value);
    default:
      throw new VitreousError(
        `Constant node "${node.name}" has no value: the model is damaged. Export it again.`,
      );
  }
}

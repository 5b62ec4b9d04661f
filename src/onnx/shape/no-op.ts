/** @file Which nodes hand their input on unchanged, judged by their types and constant inputs. */
import { intsAttribute } from "../attributes.js";
import { type Shape, sameDim } from "../dim.js";
import type { Node, ValueType } from "../graph.js";

/** Both shapes known fully and the same for every N. */
export function sameShape(a: Shape | undefined, b: Shape | undefined): boolean {
  return a !== undefined && b !== undefined && a.length === b.length && a.every((d, i) => sameDim(d, b[i]));
}

type Constants = readonly (ArrayLike<number> | undefined)[];

/** True where the first output always equals the first input. `constants` holds the inputs that are small constants. */
export function isNoOp(node: Node, from: ValueType, to: ValueType, constants: Constants): boolean {
  if (node.domain !== "") return false;
  switch (node.op) {
    case "Identity":
      return true;
    case "Dropout":
      // Training mode (the third input) is off unless it says otherwise.
      return !node.outputs[1] && (!node.inputs[2] || constants[2]?.[0] === 0);
    case "Cast":
      return from.dtype === to.dtype && from.dtype !== "other";
    case "Concat":
    case "Sum":
    case "Max":
    case "Min":
      return node.inputs.length === 1;
    case "Reshape":
    case "Flatten":
    case "Squeeze":
    case "Unsqueeze":
    case "Expand":
    case "Tile":
      return sameShape(from.shape, to.shape);
    case "Slice": {
      const steps = intsAttribute(node, "steps") ?? constants[4];
      const forward = !node.inputs[4] || (steps !== undefined && Array.from(steps).every((step) => step > 0));
      return forward && sameShape(from.shape, to.shape);
    }
    case "Transpose":
      return (
        (intsAttribute(node, "perm") ?? []).every((axis, i) => axis === i) &&
        node.attributes.perm !== undefined
      );
    case "Pad": {
      const pads = intsAttribute(node, "pads") ?? constants[1];
      return pads !== undefined && Array.from(pads).every((width) => width === 0);
    }
    case "Split":
      return node.outputs.length === 1;
    default:
      return false;
  }
}

/** @file The model for prediction while it is trained: its trained constants are inputs, so that no graph is built for new weights. */
import type { Model } from "../onnx/graph.js";
import { prepare } from "../onnx/prepare.js";
import { simplify } from "../onnx/rewrite/simplify.js";
import { lower } from "../onnx/tune/lower.js";
import { spreadRows } from "../onnx/tune/stride.js";

/** The model with these constants as inputs of the same names. */
export function withInputs(model: Model, names: ReadonlySet<string>): Model {
  const constants = new Map(model.graph.constants);
  const inputs = [...model.graph.inputs];
  for (const name of names) {
    const tensor = constants.get(name);
    if (tensor === undefined) throw new RangeError(`the graph has no constant ${name}`);
    constants.delete(name);
    inputs.push({ name, dtype: tensor.dtype, shape: tensor.dims });
  }
  return { ...model, graph: { ...model.graph, inputs, constants } };
}

/** The same, written the way that ONNX Runtime runs fastest. */
export const inferenceGraph = (model: Model, trained: ReadonlySet<string>): Model =>
  lower(spreadRows(simplify(prepare(withInputs(model, trained)))));

/** @file Runs a graph for the tests of the anatomy, with values from its inside as outputs. */
import * as ort from "onnxruntime-node";
import type { Model } from "../../onnx/graph.js";
import { runModel } from "../../onnx/testing/run.js";
import type { Feeds, Fetches } from "../../runtime/runtime.js";
import type { RunValues } from "../verify.js";

/** The values of the model's graph for these inputs, by name. float32 only. */
export function valuesOf(model: Model, feeds: Feeds): RunValues {
  const tensors = Object.fromEntries(
    Object.entries(feeds).map(([name, { dims, data }]) => {
      if (!(data instanceof Float32Array)) throw new TypeError(`${name} is not float32`);
      return [name, new ort.Tensor("float32", data, [...dims])];
    }),
  );
  return async (names) => {
    const outputs = names.map((name) => {
      const type = model.graph.types.get(name);
      if (type === undefined) throw new Error(`no value ${name}`);
      return { name, ...type };
    });
    const results = await runModel({ ...model, graph: { ...model.graph, outputs } }, tensors);
    const fetched: Record<string, Fetches[string]> = {};
    for (const [name, { dims, data }] of Object.entries(results)) {
      fetched[name] = { dtype: "float32", dims, data: Float32Array.from(data, Number) };
    }
    return fetched;
  };
}

/** @file Runs a built model on onnxruntime-node, for tests. */
import * as ort from "onnxruntime-node";
import type { Model } from "../../onnx/graph.js";
import { joinPieces, writeModel } from "../../onnx/write.js";

/** What the model gives for `count` pictures that are the same on every call. */
export async function runOnWaves(model: Model, count = 2): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(joinPieces(writeModel(model)), { intraOpNumThreads: 1 });
  const dims = [count, ...(model.graph.inputs[0]?.shape ?? []).slice(1).map(Number)];
  const size = dims.reduce((a, b) => a * b, 1);
  const pixels = Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.7) + Math.cos(i * 0.013));
  const results = await session.run({ pixel_values: new ort.Tensor("float32", pixels, dims) });
  const output = results[model.graph.outputs[0]?.name ?? ""]?.data;
  await session.release();
  if (!(output instanceof Float32Array)) throw new Error("the model gave no float32 output");
  return output;
}

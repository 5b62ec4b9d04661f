/**
 * @file How fast the graphs are that checkpoints become: a forward pass of one over that of the file which PyTorch's
 * exporter made of the same model, both in sessions of ONNX Runtime's own with all of its optimisation, in one process.
 */
import * as ort from "onnxruntime-node";
import { openCheckpoint } from "../dist/models/node/open.js";
import { joinPieces, writeModel } from "../dist/onnx/write.js";
import { ratio } from "./measure.js";

/**
 * @param {string} pair CHECKPOINT=MODEL.onnx
 * @param {{ batches: readonly number[], rounds: number, threads?: number }} options
 */
export async function compareWithExport(pair, { batches, rounds, threads }) {
  const [checkpoint, exported] = pair.split("=");
  if (!checkpoint || !exported) throw new Error(`"${pair}" is not CHECKPOINT=MODEL.onnx`);
  const options = threads === undefined ? {} : { intraOpNumThreads: threads };
  const { model } = await openCheckpoint(checkpoint);
  const ours = await ort.InferenceSession.create(joinPieces(writeModel(model)), options);
  const theirs = await ort.InferenceSession.create(exported, options);
  const shape = (model.graph.inputs[0]?.shape ?? []).slice(1).map(Number);
  console.log(`\n${checkpoint}, forward over that of ${exported}: median [quartiles]`);
  for (const batch of batches) {
    const size = shape.reduce((a, b) => a * b, batch);
    const data = Float32Array.from({ length: size }, (_, i) => Math.sin((i + 1) * 0.618));
    const input = new ort.Tensor("float32", data, [batch, ...shape]);
    const forward = (/** @type {ort.InferenceSession} */ session) => async () => {
      const results = await session.run({ [session.inputNames[0] ?? ""]: input });
      return /** @type {Float32Array} */ (results[session.outputNames[0] ?? ""]?.data);
    };
    const [a, b] = [await forward(ours)(), await forward(theirs)()];
    const largest = b.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    const error = a.reduce((m, v, i) => Math.max(m, Math.abs(v - (b[i] ?? Number.NaN))), 0) / largest;
    const { text, plain } = await ratio(forward(theirs), forward(ours), rounds);
    console.log(
      `  batch ${String(batch).padEnd(3)} ${text}   (the export's ${plain.toFixed(0)} ms; results differ by ${error.toExponential(1)})`,
    );
  }
  await ours.release();
  await theirs.release();
}

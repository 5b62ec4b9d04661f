/**
 * @file How fast the graphs are that checkpoints become: a forward pass of one over that of the file which PyTorch's
 * exporter made of the same model, all in sessions of ONNX Runtime's own with all of its optimisation, in one process.
 * Once as `vitreous convert` writes it, once as Vitreous runs it, rewritten as every model is before it is loaded.
 */
import * as ort from "onnxruntime-node";
import { openCheckpoint } from "../dist/models/node/open.js";
import { prepare } from "../dist/onnx/prepare.js";
import { simplify } from "../dist/onnx/rewrite/simplify.js";
import { lower } from "../dist/onnx/tune/lower.js";
import { spreadRows } from "../dist/onnx/tune/stride.js";
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
  const session = (/** @type {typeof model} */ graph) =>
    ort.InferenceSession.create(joinPieces(writeModel(graph)), options);
  const written = await session(model);
  const run = await session(lower(spreadRows(simplify(prepare(model)))));
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
    const expected = await forward(theirs)();
    const largest = expected.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    for (const [name, ours] of /** @type {const} */ ([
      ["as written", written],
      ["as run", run],
    ])) {
      const got = await forward(ours)();
      const error =
        got.reduce((m, v, i) => Math.max(m, Math.abs(v - (expected[i] ?? Number.NaN))), 0) / largest;
      const { text, plain } = await ratio(forward(theirs), forward(ours), rounds);
      console.log(
        `  batch ${String(batch).padEnd(3)} ${name.padEnd(10)} ${text}   (the export's ${plain.toFixed(0)} ms; results differ by ${error.toExponential(1)})`,
      );
    }
  }
  await written.release();
  await run.release();
  await theirs.release();
}

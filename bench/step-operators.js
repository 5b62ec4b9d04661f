/**
 * @file Where the time of a training step's graph goes, operator by operator, as ONNX Runtime's profiler tells it.
 *
 *     node bench/step-operators.js [ARCHITECTURE] [--batch 8] [--runs 10] [--threads 2]
 *
 * Of each node the fastest of the runs counts, as the one that was disturbed least. The update of the weights is not part
 * of the graph.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as ort from "onnxruntime-node";
import { tensorToFloat32 } from "../dist/onnx/tensor.js";
import { joinPieces, writeModel } from "../dist/onnx/write.js";
import { stepGraph } from "../dist/training/step-graph.js";
import { untrainedModel } from "./untrained.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: "string", default: "8" },
    runs: { type: "string", default: "10" },
    threads: { type: "string", default: "2" },
  },
});
const [architecture = "vit_tiny_patch16_224"] = positionals;
const { built } = await untrainedModel(architecture);
const trained = new Set(built.bindings.keys());
const { model } = stepGraph(built.model, {
  batch: Number(values.batch),
  trained,
  objective: { kind: "cross-entropy" },
});
const feeds = Object.fromEntries(
  model.graph.inputs.map(({ name, shape }) => {
    const dims = (shape ?? []).map(Number);
    const constant = built.model.graph.constants.get(name);
    const data = constant
      ? tensorToFloat32(constant).slice()
      : Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 0.618));
    return [name, new ort.Tensor("float32", data, dims)];
  }),
);

const folder = await mkdtemp(join(tmpdir(), "vitreous-bench-"));
const prefix = join(folder, "profile");
const session = await ort.InferenceSession.create(joinPieces(writeModel(model)), {
  intraOpNumThreads: Number(values.threads),
  enableProfiling: true,
  profileFilePrefix: prefix,
  enableMemPattern: false,
  logSeverityLevel: 4,
});
// The first one prepares memory.
for (let i = 0; i <= Number(values.runs); i++) await session.run(feeds);
session.endProfiling();
await session.release();

/** @type {Map<string, { operator: string, fastest: number }>} */
const nodes = new Map();
const [file = ""] = await readdir(folder);
/** @type {{ cat: string, name: string, dur: number, args: { op_name: string } }[]} */
const events = JSON.parse(await readFile(join(folder, file), "utf8"));
await rm(folder, { recursive: true });
for (const { cat, name, dur, args } of events) {
  if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
  const fastest = Math.min(dur, nodes.get(name)?.fastest ?? Number.POSITIVE_INFINITY);
  nodes.set(name, { operator: args.op_name, fastest });
}
/** @type {Map<string, { count: number, time: number }>} */
const operators = new Map();
for (const { operator, fastest } of nodes.values()) {
  const { count, time } = operators.get(operator) ?? { count: 0, time: 0 };
  operators.set(operator, { count: count + 1, time: time + fastest / 1000 });
}
const total = [...operators.values()].reduce((sum, { time }) => sum + time, 0);
console.log(`${architecture}, ${values.batch} images: ${nodes.size} nodes, ${total.toFixed(0)} ms`);
for (const [operator, { count, time }] of [...operators].sort(([, a], [, b]) => b.time - a.time)) {
  if (time < total / 500) continue;
  console.log(
    `  ${operator.padEnd(20)} ${String(count).padStart(4)} nodes ${time.toFixed(1).padStart(7)} ms ${((100 * time) / total).toFixed(1).padStart(5)} %`,
  );
}

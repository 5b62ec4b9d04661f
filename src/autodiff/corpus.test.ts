/** @file Whole models against PyTorch's autograd: gradients by every attention map and by the image. */
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { type CorpusExport, type CorpusModel, corpus, golden, goldenFloats } from "../../test/corpus.js";
import type { Model } from "../onnx/graph.js";
import { readModelFile } from "../onnx/node/read-file.js";
import { prepare } from "../onnx/prepare.js";
import { joinPieces, writeModel } from "../onnx/write.js";
import { gradients } from "./gradients.js";

interface Tapped {
  readonly model: Model;
  readonly logits: string;
  readonly attentions: readonly string[];
}

/** Softmaxes over square matrices, in order; the logits in front of a final softmax. */
function tap(model: Model, blocks: number): Tapped {
  const output = model.graph.outputs[0]?.name ?? "";
  const last = model.graph.nodes.find((node) => node.outputs.includes(output));
  const logits = last?.op === "Softmax" ? (last.inputs[0] ?? "") : output;
  const attentions = model.graph.nodes
    .filter((node) => node.op === "Softmax")
    .map((node) => node.outputs[0] ?? "")
    .filter((name) => {
      const shape = model.graph.types.get(name)?.shape ?? [];
      return name !== output && shape.length >= 3 && shape.at(-1) === shape.at(-2);
    });
  expect(attentions).toHaveLength(blocks);
  return { model, logits, attentions };
}

const oneHot = (classes: number, chosen: readonly number[]): ort.Tensor => {
  const data = new Float32Array(chosen.length * classes);
  for (const [i, c] of chosen.entries()) data[i * classes + c] = 1;
  return new ort.Tensor("float32", data, [chosen.length, classes]);
};

/** Largest difference relative to the largest expected value. */
function distance(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [most, worst] = [0, 0];
  for (const [i, value] of expected.entries()) {
    most = Math.max(most, Math.abs(value));
    const difference = Math.abs((actual[i] ?? Number.NaN) - value);
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
  }
  return most === 0 ? worst : worst / most;
}

/** Worst distance over all attention gradients, and of the input's gradient. */
async function check(model: CorpusModel, file: CorpusExport): Promise<{ attention: number; input: number }> {
  const prepared = prepare((await readModelFile(file.path)).model);
  const { graph } = prepared;
  const { logits, attentions } = tap(prepared, model.blocks);
  const type = graph.types.get(logits);
  const classes = Number(type?.shape?.at(-1));
  const input = graph.inputs[0];
  if (input === undefined || type === undefined) throw new Error("no input or logits");
  const byImage = input.dtype === "float32";
  const seeded: Model = {
    ...prepared,
    graph: {
      ...graph,
      inputs: [...graph.inputs, { name: "seed", ...type }],
      types: new Map(graph.types).set("seed", type),
    },
  };
  const wrt = [...attentions, ...(byImage ? [input.name] : [])];
  const result = gradients(seeded, { of: [{ value: logits, seed: "seed" }], wrt });
  expect(result.zero).toEqual([]);
  const outputs = wrt.map((name) => {
    const gradient = result.gradients.get(name) ?? "";
    return { name: gradient, dtype: "float32" as const, shape: undefined };
  });
  const bytes = joinPieces(writeModel({ ...result.model, graph: { ...result.model.graph, outputs } }));
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3, intraOpNumThreads: 2 });
  const picture = golden(model, byImage ? "input" : "input_uint8");
  const step = file.batch === 1 ? 1 : 2;
  let [attention, image] = [0, 0];
  for (let first = 0; first < 2; first += step) {
    const part = <T extends { subarray(from: number, to: number): T; readonly length: number }>(data: T): T =>
      data.subarray((first * data.length) / 2, ((first + step) * data.length) / 2);
    const feed = new ort.Tensor(
      byImage ? "float32" : "uint8",
      part(picture.data as Float32Array) as Float32Array,
      [step, ...picture.dims.slice(1)],
    );
    const fetched = await session.run({
      [input.name]: feed,
      seed: oneHot(classes, model.classes.slice(first, first + step)),
    });
    const of = (name: string) => fetched[result.gradients.get(name) ?? ""]?.data as Float32Array;
    for (const [layer, name] of attentions.entries()) {
      attention = Math.max(
        attention,
        distance(of(name), part(goldenFloats(model, `attention_grad.${layer}`))),
      );
    }
    if (byImage) image = Math.max(image, distance(of(input.name), part(goldenFloats(model, "input_grad"))));
  }
  await session.release();
  return { attention, input: image };
}

describe("gradients of whole models against PyTorch", () => {
  for (const model of corpus()) {
    for (const file of model.exports.filter((file) => !file.quantized)) {
      it(`${model.name} ${file.name}`, async () => {
        const { attention, input } = await check(model, file);
        if (process.env.VITREOUS_FIGURES) {
          process.stdout.write(
            `${model.name} ${file.name} ${attention.toExponential(1)} ${input.toExponential(1)}\n`,
          );
        }
        // The goldens are of float32 weights: what rounding those does to gradients is no mistake.
        const tolerance = file.half ? 1e-2 : 1e-4;
        expect(attention).toBeLessThanOrEqual(tolerance);
        expect(input).toBeLessThanOrEqual(tolerance);
      });
    }
    for (const file of model.exports.filter((file) => file.quantized)) {
      it(`refuses ${model.name} ${file.name}, which is quantised`, async () => {
        await expect(check(model, file)).rejects.toThrow(/quantised/);
      });
    }
  }
});

/** @file For tests: runs a model in ONNX Runtime directly, on reproducible inputs. */
import * as ort from "onnxruntime-node";
import { dimAt } from "../dim.js";
import type { Model } from "../graph.js";
import { joinPieces, writeModel } from "../write.js";

export type Outputs = Readonly<
  Record<string, { readonly dims: readonly number[]; readonly data: Float32Array }>
>;

/** Values in [−1, 1) that depend on the seed alone. */
export function noise(size: number, seed = 1): Float32Array {
  let state = seed >>> 0 || 1;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Feeds for the inputs of the model: noise, or the values given. */
export function feedsFor(
  model: Model,
  batch: number,
  seed = 1,
  values?: Float32Array,
): Record<string, ort.Tensor> {
  return Object.fromEntries(
    model.graph.inputs.map((input) => {
      const dims = (input.shape ?? []).map((d, axis) =>
        axis === 0 ? (typeof d === "number" ? d : batch) : (dimAt(d, batch) ?? 1),
      );
      const size = dims.reduce((product, d) => product * d, 1);
      const data = values ?? noise(size, seed);
      if (input.dtype === "uint8")
        return [
          input.name,
          new ort.Tensor(
            "uint8",
            Uint8Array.from(data, (v) => (v + 1) * 127),
            dims,
          ),
        ];
      return [input.name, new ort.Tensor("float32", data, dims)];
    }),
  );
}

/** Runs serialised bytes; nothing is optimised, so that what the graph says is what is computed. */
export async function runBytes(bytes: Uint8Array, feeds: Record<string, ort.Tensor>): Promise<Outputs> {
  const session = await ort.InferenceSession.create(bytes, {
    graphOptimizationLevel: "disabled",
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
  });
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => {
      const value = tensor as ort.Tensor;
      return [
        name,
        { dims: value.dims, data: Float32Array.from(value.data as Float32Array | BigInt64Array, Number) },
      ];
    }),
  );
}

export function runModel(model: Model, feeds: Record<string, ort.Tensor>): Promise<Outputs> {
  return runBytes(joinPieces(writeModel(model)), feeds);
}

/** Largest difference over all outputs, relative to the largest value of each. */
export function difference(a: Outputs, b: Outputs): number {
  let worst = 0;
  for (const [name, { dims, data }] of Object.entries(a)) {
    const other = b[name];
    if (other === undefined || other.dims.join() !== dims.join()) return Number.POSITIVE_INFINITY;
    const scale = data.reduce((max, v) => Math.max(max, Math.abs(v)), 1e-30);
    for (const [i, v] of data.entries())
      worst = Math.max(worst, Math.abs(v - (other.data[i] ?? Number.NaN)) / scale);
  }
  return worst;
}

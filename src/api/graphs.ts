/**
 * @file From a model file to the graphs that an opened model runs: what is differentiable, what is only run, and how
 * many images a run takes. What a graph claims about its batch is verified by running it, not believed.
 */
import type { Anatomy } from "../anatomy/anatomy.js";
import type { AnatomyHints } from "../anatomy/hints.js";
import { settleInput } from "../anatomy/input-size.js";
import { readAnatomy } from "../anatomy/read.js";
import { makeBatched } from "../onnx/batch.js";
import { isStatic } from "../onnx/dim.js";
import { VitreousError } from "../onnx/errors.js";
import { flattenOutputs } from "../onnx/flat-outputs.js";
import type { Model } from "../onnx/graph.js";
import { prepare } from "../onnx/prepare.js";
import { prune } from "../onnx/prune.js";
import { quantisedNode } from "../onnx/quantised.js";
import { simplify } from "../onnx/rewrite/simplify.js";
import { writeModel } from "../onnx/write.js";
import { uniform } from "../random.js";
import type { Runtime } from "../runtime/runtime.js";
import { floats } from "./explain.js";
import { splitInput } from "./inner-input.js";
import type { ModelGraphs } from "./sessions.js";

export interface Understood {
  readonly anatomy: Anatomy;
  readonly graphs: ModelGraphs;
  /** From the raw input to the normalised one, where the graph prepares its image itself. */
  readonly head: InputHead | undefined;
}

export interface InputHead {
  readonly model: Model;
  readonly output: string;
  /** Images that it takes at once; 1 where it takes any number. */
  readonly images: number;
}

export interface UnderstandOptions {
  readonly hints?: AnatomyHints | undefined;
  /** Fixes a dynamic image size. */
  readonly image?: readonly [number, number] | undefined;
  /** The size that images are prepared in, as far as it is said: for a dynamic size that nothing else fixes. */
  readonly prepared?: readonly [number, number] | undefined;
}

/** Reads a model's anatomy and makes its graphs. `runtime` is used only to verify a batch that was made dynamic. */
export async function understand(
  original: Model,
  runtime: Runtime,
  options: UnderstandOptions = {},
): Promise<Understood> {
  const quantised = quantisedNode(original.graph);
  const prepared = flattenOutputs(prepare(settleInput(original, options.image, options.prepared)));
  const anatomy = readAnatomy(prepared, options.hints ?? {});
  checkSize(anatomy, options.image);
  const batched = await batchedForm(prepared, anatomy, runtime);
  const model = batched ?? prepared;
  const split = splitInput(model, anatomy);
  const full = split?.body ?? model;
  const { logits } = anatomy.output;
  const images = batched === undefined ? fixedBatch(prepared, anatomy) : 1;
  const forward = simplify(onlyLogits(full, logits));
  return {
    anatomy,
    graphs: {
      forward,
      full,
      refusal:
        quantised === undefined
          ? undefined
          : `this model is quantised (${quantised.op} at node "${quantised.name}"), and rounding has no gradient: use the float model it was made from; black-box metrics work on it as it is`,
      input: { name: split?.inner ?? anatomy.input.name, dims: inputDims(anatomy, split !== undefined) },
      logits,
      batch: batched === undefined ? images : "dynamic",
    },
    head: split && { model: split.head, output: split.inner, images },
  };
}

function checkSize({ image }: Anatomy, asked: UnderstandOptions["image"]): void {
  if (asked === undefined || (asked[0] === image[0] && asked[1] === image[1])) return;
  throw new VitreousError(
    `the graph takes images of ${image.join("×")} and no others, not ${asked.join("×")} as asked for; export it for that size, or give its checkpoint`,
  );
}

/** The number of images that is baked in: by the input, or by what is computed from it. */
function fixedBatch({ graph }: Model, { input, output }: Anatomy): number {
  const given = graph.inputs.find((i) => i.name === input.name)?.shape?.[0];
  const computed = graph.types.get(output.logits)?.shape?.[0];
  return isStatic(given) ? given : isStatic(computed) ? computed : 1;
}

function inputDims({ input, image }: Anatomy, split: boolean): readonly number[] {
  return split || input.layout === "NCHW" ? [input.channels, ...image] : [...image, input.channels];
}

function onlyLogits(model: Model, logits: string): Model {
  const type = model.graph.types.get(logits) ?? { dtype: "float32" as const, shape: undefined };
  return { ...model, graph: prune({ ...model.graph, outputs: [{ name: logits, ...type }] }) };
}

/** The model with a symbolic batch that was seen to work, or undefined where images go one by one. */
async function batchedForm(model: Model, anatomy: Anatomy, runtime: Runtime): Promise<Model | undefined> {
  const input = model.graph.inputs.find((i) => i.name === anatomy.input.name);
  const logits = model.graph.types.get(anatomy.output.logits)?.shape;
  const claimed = !isStatic(input?.shape?.[0]) && !isStatic(logits?.[0] ?? 1);
  const candidate = claimed ? model : makeBatched(model);
  if (candidate === undefined) return undefined;
  // A batch that the exporter made dynamic and inference carried through needs no proof.
  if (claimed && logits?.[0] !== null) return model;
  return (await sameInBatches(model, candidate, anatomy, runtime)) ? candidate : undefined;
}

const TOLERANCE = 1e-4;

/** Whether two different images in one run get what each gets alone, relative to the largest logit. */
async function sameInBatches(
  single: Model,
  batched: Model,
  anatomy: Anatomy,
  runtime: Runtime,
): Promise<boolean> {
  const { input, output, image } = anatomy;
  const dims = inputDims(anatomy, false);
  const size = image[0] * image[1] * input.channels;
  const next = uniform(7);
  const range = input.range ?? 1;
  const pixels = Float32Array.from({ length: 2 * size }, () =>
    range === 255 ? Math.floor(next() * 256) : next(),
  );
  const run = async (model: Model, from: number, count: number): Promise<Float32Array> => {
    const session = await runtime.load(writeModel(onlyLogits(model, output.logits)));
    try {
      const part = pixels.slice(from * size, (from + count) * size);
      const data = input.dtype === "uint8" ? Uint8Array.from(part) : part;
      const dtype = input.dtype === "uint8" ? ("uint8" as const) : ("float32" as const);
      const fetches = await session.run({ [input.name]: { dtype, dims: [count, ...dims], data } });
      return floats(fetches[output.logits]);
    } finally {
      await session.release();
    }
  };
  try {
    const alone = [...(await run(single, 0, 1)), ...(await run(single, 1, 1))];
    const together = await run(batched, 0, 2);
    const largest = alone.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    return (
      together.length === alone.length &&
      alone.every((v, i) => Math.abs(v - (together[i] ?? 0)) <= TOLERANCE * largest)
    );
  } catch {
    // A graph that cannot run a batch of two is what this test is for.
    return false;
  }
}

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { readGolden } from "../../test/corpus.js";
import type { BuiltModel } from "../models/index.js";
import { openCheckpoint } from "../models/node/open.js";
import { readSafetensors } from "../models/safetensors.js";
import { readFloats } from "../models/weights.js";
import { isStaticShape } from "../onnx/dim.js";
import { tensorToFloat32 } from "../onnx/tensor.js";
import { joinPieces, writeModel } from "../onnx/write.js";
import { uniform } from "../random.js";
import { stepGraph } from "./step-graph.js";
import { changedModel } from "./testing/small.js";
import type { Objective, StepGraph } from "./types.js";

const FIXTURES = fileURLToPath(new URL("../../test/fixtures", import.meta.url));
const BATCH = 3;

const checkpoint = (name: string): Promise<BuiltModel> =>
  openCheckpoint(join(FIXTURES, "checkpoints", name, "checkpoint"));

const trainable = ({ bindings }: BuiltModel): ReadonlySet<string> => new Set(bindings.keys());

type Values = ReadonlyMap<string, Float32Array>;

/** Runs a step on the checkpoint's own weights and what is given for the other inputs; gives all outputs. */
async function run(
  { model: { graph } }: BuiltModel,
  step: StepGraph,
  given: ReadonlyMap<string, Float32Array | Uint8Array>,
): Promise<Values> {
  const session = await ort.InferenceSession.create(joinPieces(writeModel(step.model)), {
    logSeverityLevel: 3,
  });
  const feeds = step.model.graph.inputs.map(({ name, shape }) => {
    const constant = graph.constants.get(name);
    const data = given.get(name) ?? (constant && tensorToFloat32(constant));
    if (data === undefined || !isStaticShape(shape)) throw new Error(`nothing is given for ${name}`);
    const tensor =
      data instanceof Uint8Array
        ? new ort.Tensor("uint8", data, shape)
        : new ort.Tensor("float32", data, shape);
    return [name, tensor] as const;
  });
  const fetched = await session.run(Object.fromEntries(feeds));
  await session.release();
  return new Map(Object.entries(fetched).map(([name, { data }]) => [name, data as Float32Array]));
}

/** Gradients by the constants as gradients by the checkpoint's tensors. */
function byTensor(built: BuiltModel, step: StepGraph, outputs: Values, weights: Values): Values {
  const gradients = new Map<string, Float32Array>();
  for (const [constant, output] of step.outputs.gradients) {
    const binding = built.bindings.get(constant);
    const parts = (binding?.parts ?? []).map(({ name, dims }) => {
      const size = dims.reduce((product, extent) => product * extent, 1);
      const known = gradients.get(name) ?? new Float32Array(size);
      gradients.set(name, known);
      return known;
    });
    const values = (binding?.parts ?? []).map(({ name }) => weights.get(name) ?? new Float32Array());
    binding?.adjoint(outputs.get(output) ?? new Float32Array(), parts, values);
  }
  return gradients;
}

/** Largest difference relative to the largest expected value. */
function distance(actual: Float32Array | undefined, expected: ArrayLike<number>): number {
  if (actual?.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [most, worst] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const value = expected[i] ?? 0;
    most = Math.max(most, Math.abs(value));
    worst = Math.max(worst, Math.abs((actual[i] ?? Number.NaN) - value));
  }
  return most < 1e-6 ? worst : worst / most;
}

describe("the graph of a training step, against PyTorch", () => {
  for (const file of readdirSync(join(FIXTURES, "training", "gradients"))) {
    const path = join(FIXTURES, "training", "gradients", file);
    const { metadata } = readSafetensors(readFileSync(path), path);
    const objective: Objective = JSON.parse(metadata.get("objective") ?? "");

    it(`has the losses and the gradient of every weight: ${basename(file, ".safetensors")}`, async () => {
      const golden = readGolden(path);
      const { built, tensors } = await changedModel(metadata.get("checkpoint") ?? "", golden);
      const dropout = Number(metadata.get("dropout") ?? 0);
      const step = stepGraph(built.model, { batch: BATCH, trained: trainable(built), objective, dropout });
      const given = new Map<string, Float32Array | Uint8Array>();
      const give = (input: string | undefined, name: string) => {
        if (input !== undefined) given.set(input, golden.get(name)?.data as Float32Array);
      };
      give(step.inputs.pixels, "pixels");
      give(step.inputs.targets, "targets");
      give(step.inputs.sampleWeights, "weights");
      give(step.inputs.teacherLogits, "teacher");
      expect(step.inputs.dropout).toHaveLength(
        [...golden.keys()].filter((name) => name.startsWith("dropout.")).length,
      );
      for (const [i, input] of step.inputs.dropout.entries())
        given.set(input, golden.get(`dropout.${i}`)?.data as Uint8Array);
      const outputs = await run(built, step, given);
      expect(distance(outputs.get(step.outputs.losses), golden.get("losses")?.data ?? [])).toBeLessThan(1e-5);
      const weights = new Map<string, Float32Array>();
      for (const [name, tensor] of tensors) weights.set(name, await readFloats(tensor));
      const gradients = byTensor(built, step, outputs, weights);
      // Where single precision is worse than that (SwinV2's cosines, times up to 100), it is for PyTorch as well.
      const tolerance = Math.max(1e-4, 2 * Number(metadata.get("float32_error")));
      const wrong: string[] = [];
      for (const [name, { data }] of golden) {
        if (!name.startsWith("gradient.")) continue;
        const error = distance(gradients.get(name.slice(9)), data as Float32Array);
        if (!(error <= tolerance)) wrong.push(`${name}: ${error}`);
      }
      expect(wrong).toEqual([]);
    });
  }
});

const CROSS_ENTROPY = { kind: "cross-entropy" } as const;
const VIT = "transformers-vitforimageclassification-plain";

/** Values for every input that is no weight; masks as given. */
function inputsFor(step: StepGraph, masks: (row: number, image: number) => number = () => 1): Values {
  const next = uniform(5);
  const weights = new Set(step.outputs.gradients.keys());
  const given = step.model.graph.inputs.flatMap(({ name, shape }): [string, Float32Array][] => {
    if (weights.has(name) || !isStaticShape(shape)) return [];
    const size = shape.reduce((product, extent) => product * extent, 1);
    const at = (i: number) => {
      if (name === step.inputs.masks) return masks(Math.floor(i / BATCH), i % BATCH);
      return name === step.inputs.sampleWeights ? 1 / BATCH : next();
    };
    return [[name, Float32Array.from({ length: size }, (_, i) => at(i))]];
  });
  return new Map(given);
}

const sum = (values: Float32Array | undefined): number =>
  values?.reduce((total, v) => total + v, 0) ?? Number.NaN;

describe("drop path", () => {
  it("has a row for each residual branch, with rates that rise linearly to the last block's", async () => {
    const built = await checkpoint(VIT);
    const options = { batch: BATCH, trained: trainable(built), objective: CROSS_ENTROPY };
    expect(stepGraph(built.model, { ...options, dropPath: 0.2 }).keep).toEqual([1, 1, 0.8, 0.8]);
    const swin = await checkpoint("transformers-swinforimageclassification-plain");
    const step = stepGraph(swin.model, { ...options, trained: trainable(swin), dropPath: 0.3 });
    expect(step.keep.map((p) => Number(p.toFixed(3)))).toEqual([1, 1, 0.9, 0.9, 0.8, 0.8, 0.7, 0.7]);
  });

  it("changes nothing where all branches are kept, and only the images whose branches are skipped", async () => {
    const built = await checkpoint(VIT);
    const options = { batch: BATCH, trained: trainable(built), objective: CROSS_ENTROPY };
    const [plain, dropped] = [0, 0.5].map((dropPath) => stepGraph(built.model, { ...options, dropPath }));
    if (plain === undefined || dropped === undefined) throw new Error("no graphs");
    const given = inputsFor(plain);
    const without = await run(built, plain, given);
    const masks = (mask: (row: number, image: number) => number) =>
      new Map([...inputsFor(dropped, mask), ...given]);
    const kept = await run(
      built,
      dropped,
      masks(() => 1),
    );
    const losses = (outputs: Values, step: StepGraph) =>
      outputs.get(step.outputs.losses) ?? new Float32Array();
    expect(distance(losses(kept, dropped), losses(without, plain))).toBeLessThan(1e-6);
    const skipped = await run(
      built,
      dropped,
      masks((row, image) => (row === 3 && image === 1 ? 0 : 1)),
    );
    const same = [...losses(skipped, dropped)].map(
      (v, i) => Math.abs(v - (losses(without, plain)[i] ?? 0)) < 1e-6,
    );
    expect(same).toEqual([true, false, true]);
  });

  it("lets no gradient into a branch that every image skips", async () => {
    const built = await checkpoint(VIT);
    const step = stepGraph(built.model, {
      batch: BATCH,
      trained: trainable(built),
      objective: CROSS_ENTROPY,
      dropPath: 0.5,
    });
    const outputs = await run(
      built,
      step,
      inputsFor(step, (row) => (row === 3 ? 0 : 1)),
    );
    const size = (constant: string) =>
      sum(outputs.get(step.outputs.gradients.get(constant) ?? "")?.map(Math.abs));
    expect(size("vit.encoder.layer.1.output.dense.weight")).toBe(0);
    expect(size("vit.encoder.layer.0.output.dense.weight")).toBeGreaterThan(0);
  });
});

describe("a training step", () => {
  it("of the head alone computes nothing backwards through the trunk", async () => {
    const built = await checkpoint(VIT);
    const trained = new Set(["classifier.weight", "classifier.bias"]);
    const step = stepGraph(built.model, { batch: BATCH, trained, objective: CROSS_ENTROPY });
    expect(step.model.graph.inputs.map(({ name }) => name)).toEqual([
      "pixel_values",
      "classifier.weight",
      "classifier.bias",
      "training/targets",
      "training/sample_weights",
    ]);
    const added = step.model.graph.nodes.filter(({ name }) => name.startsWith("grad/")).map(({ op }) => op);
    expect(added.filter((op) => op === "Gemm" || op === "MatMul")).toHaveLength(1);
    expect([...step.outputs.gradients.keys()]).toEqual([...trained]);
  });

  it("weighs images: one of weight 0 leaves no trace", async () => {
    const built = await checkpoint(VIT);
    const step = stepGraph(built.model, {
      batch: BATCH,
      trained: trainable(built),
      objective: CROSS_ENTROPY,
    });
    const weights = Float32Array.of(0.5, 0.5, 0);
    const given = new Map([...inputsFor(step), [step.inputs.sampleWeights, weights] as const]);
    const pixels = given.get(step.inputs.pixels)?.slice() ?? new Float32Array();
    const before = await run(built, step, given);
    pixels.fill(3, (2 * pixels.length) / 3);
    const after = await run(built, step, new Map([...given, [step.inputs.pixels, pixels]]));
    for (const name of step.outputs.gradients.values()) {
      expect(distance(after.get(name), before.get(name) ?? [])).toBeLessThan(1e-5);
    }
  });

  it("is refused where it cannot be made", async () => {
    const built = await checkpoint(VIT);
    const options = { batch: BATCH, trained: trainable(built), objective: CROSS_ENTROPY };
    const refused =
      (change: object, model = built.model) =>
      () =>
        stepGraph(model, { ...options, ...change });
    expect(refused({ batch: 0 })).toThrow(/batch of 0/);
    expect(refused({ dropPath: 1 })).toThrow(/drop path rate/);
    expect(refused({ dropout: 1 })).toThrow(/dropout rate must be at least 0 and below 1, not 1/);
    expect(refused({ dropout: -0.1 })).toThrow(/dropout rate/);
    expect(refused({ trained: new Set() })).toThrow(/Nothing is trained/);
    expect(refused({ trained: new Set(["conv9"]) })).toThrow(/no constant "conv9"/);
    const features = await checkpoint("timm-vit-small-patch16-224-dino-no-classifier");
    expect(refused({ trained: trainable(features) }, features.model)).toThrow(/no classifier/);
  });
});

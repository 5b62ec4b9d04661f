import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { readGolden } from "../../test/corpus.js";
import type { BuiltModel } from "../models/index.js";
import { openCheckpoint } from "../models/node/open.js";
import { readSafetensors } from "../models/safetensors.js";
import { isStaticShape } from "../onnx/dim.js";
import { tensorToFloat32 } from "../onnx/tensor.js";
import { joinPieces, writeModel } from "../onnx/write.js";
import { stepGraph } from "./step-graph.js";
import type { Objective, StepGraph } from "./types.js";

const FIXTURES = fileURLToPath(new URL("../../test/fixtures", import.meta.url));
const BATCH = 3;

const checkpoint = (name: string): Promise<BuiltModel> =>
  openCheckpoint(join(FIXTURES, "checkpoints", name, "checkpoint"));

const trainable = ({ bindings }: BuiltModel): ReadonlySet<string> =>
  new Set([...bindings].filter(([, { kind }]) => kind !== "fixed").map(([name]) => name));

type Values = ReadonlyMap<string, Float32Array>;

/** Runs a step on the checkpoint's own weights and what is given for the other inputs; gives all outputs. */
async function run({ model: { graph } }: BuiltModel, step: StepGraph, given: Values): Promise<Values> {
  const session = await ort.InferenceSession.create(joinPieces(writeModel(step.model)), {
    logSeverityLevel: 3,
  });
  const feeds = step.model.graph.inputs.map(({ name, shape }) => {
    const constant = graph.constants.get(name);
    const data = given.get(name) ?? (constant && tensorToFloat32(constant));
    if (data === undefined || !isStaticShape(shape)) throw new Error(`nothing is given for ${name}`);
    return [name, new ort.Tensor("float32", data, shape)] as const;
  });
  const fetched = await session.run(Object.fromEntries(feeds));
  await session.release();
  return new Map(Object.entries(fetched).map(([name, { data }]) => [name, data as Float32Array]));
}

/** Gradients by the constants as gradients by the checkpoint's tensors. */
function byTensor(built: BuiltModel, step: StepGraph, outputs: Values): Values {
  const gradients = new Map<string, Float32Array>();
  for (const [constant, output] of step.outputs.gradients) {
    const binding = built.bindings.get(constant);
    const parts = (binding?.parts ?? []).map(({ name, dims }) => {
      const size = dims.reduce((product, extent) => product * extent, 1);
      const known = gradients.get(name) ?? new Float32Array(size);
      gradients.set(name, known);
      return known;
    });
    const values = (binding?.parts ?? []).map(({ name }) => name);
    expect(values.length).toBe(parts.length);
    binding?.adjoint(outputs.get(output) ?? new Float32Array(), parts);
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
      const built = await checkpoint(metadata.get("checkpoint") ?? "");
      const step = stepGraph(built.model, { batch: BATCH, trained: trainable(built), objective });
      const given = new Map<string, Float32Array>();
      const give = (input: string | undefined, name: string) => {
        if (input !== undefined) given.set(input, golden.get(name)?.data as Float32Array);
      };
      give(step.inputs.pixels, "pixels");
      give(step.inputs.targets, "targets");
      give(step.inputs.sampleWeights, "weights");
      give(step.inputs.teacherLogits, "teacher");
      const outputs = await run(built, step, given);
      expect(distance(outputs.get(step.outputs.losses), golden.get("losses")?.data ?? [])).toBeLessThan(1e-5);
      const gradients = byTensor(built, step, outputs);
      const fixed = [...built.bindings.values()].filter(({ kind }) => kind === "fixed");
      const untrained = new Set(fixed.flatMap(({ parts }) => parts.map(({ name }) => name)));
      // Where single precision is worse than that (SwinV2's cosines, times up to 100), it is for PyTorch as well.
      const tolerance = Math.max(1e-4, 2 * Number(metadata.get("float32_error")));
      const wrong: string[] = [];
      for (const [name, { data }] of golden) {
        if (!name.startsWith("gradient.") || untrained.has(name.slice(9))) continue;
        const error = distance(gradients.get(name.slice(9)), data as Float32Array);
        if (!(error <= tolerance)) wrong.push(`${name}: ${error}`);
      }
      expect(wrong).toEqual([]);
    });
  }
});

/** @file Five steps of DINO against PyTorch's: test/oracle/dino_steps.py says what they are and how exact. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { type GoldenTensor, readGolden } from "../../../../test/corpus.js";
import { readSafetensors } from "../../../models/safetensors.js";
import type { ParameterSet } from "../../parameters.js";
import { crops, smallBackbone } from "../../testing/crops.js";
import { isOfHead } from "../head.js";
import { dinoModel } from "../model.js";
import type { DinoStepResult, DinoTrainer, DinoTrainerOptions } from "../types.js";
import { nodeDinoTrainer } from "./trainer.js";

const STEPS = 5;
/** The step with an image less than the others. */
const SHORT = 2;

const RECIPE: DinoTrainerOptions = {
  batch: 4,
  epochs: 4,
  stepsPerEpoch: 2,
  learningRate: 0.08,
  warmupEpochs: 1,
  clip: 0.1,
  momentum: 0.9,
  teacherTemperature: 0.07,
  warmupTeacherTemperatureEpochs: 2,
  dropPath: 0,
};

const open: DinoTrainer[] = [];
afterEach(async () => {
  for (const trainer of open.splice(0)) await trainer.close();
});

interface Case {
  readonly golden: ReadonlyMap<string, GoldenTensor>;
  readonly trainer: DinoTrainer;
  readonly parameters: ParameterSet;
}

async function opened(name: string, options: Partial<DinoTrainerOptions> = {}): Promise<Case> {
  const path = fileURLToPath(
    new URL(`../../../../test/fixtures/training/dino/${name}.safetensors`, import.meta.url),
  );
  const { metadata } = readSafetensors(readFileSync(path), path);
  const [large = 0, small = 0]: readonly number[] = JSON.parse(metadata.get("sizes") ?? "[]");
  const model = await dinoModel(smallBackbone(metadata.get("checkpoint") ?? ""), {
    head: { out: 24, hidden: 20, bottleneck: 12, normLast: !name.endsWith("free-last-layer") },
    globalSize: [large, large],
    localSize: [small, small],
  });
  const trainer = await nodeDinoTrainer(model, { ...RECIPE, ...options, threads: 1 });
  open.push(trainer);
  await restoreHead(trainer, model.parameters);
  return { golden: readGolden(path), trainer, parameters: model.parameters };
}

/** The head's first weights in the oracle, in the order of its parameters. */
const HEAD = ["mlp.0.weight", "mlp.0.bias", "mlp.2.weight", "mlp.2.bias", "mlp.4.weight", "mlp.4.bias"];

async function restoreHead(trainer: DinoTrainer, { parameters }: ParameterSet): Promise<void> {
  const state = await trainer.snapshot();
  const arrays = new Map(state.arrays);
  for (const { name, dims } of parameters) {
    if (!isOfHead(name) || name.endsWith("weight_g")) continue;
    const k = name.endsWith("weight_v") ? 7 : HEAD.indexOf(name.replace("dino_head.", ""));
    const linear = /mlp.*weight$/.test(name);
    const [rows = 1, columns = 1] = dims;
    const values = Float32Array.from({ length: rows * columns }, (_, i) => {
      // The graph's matrices are [inputs, outputs].
      const at = linear ? (i % columns) * rows + Math.floor(i / columns) : i;
      return Math.sin(1.7 * at + k) * 0.3;
    });
    for (const role of ["parameters", "averages"]) arrays.set(`${role}/${name}`, values);
  }
  await trainer.restore({ ...state, arrays });
}

async function steps(trainer: DinoTrainer, count: number): Promise<DinoStepResult[]> {
  const results: DinoStepResult[] = [];
  for (let i = 0; i < count; i++) results.push(await trainer.step(crops(trainer, i, 2, i === SHORT ? 3 : 4)));
  return results;
}

/** The largest difference over the largest value. */
function distance(actual: ArrayLike<number> | undefined, expected: ArrayLike<number> | undefined): number {
  expect(actual?.length).toBe(expected?.length);
  let [largest, worst] = [0, 0];
  for (const [i, value] of Array.from(expected ?? []).entries()) {
    largest = Math.max(largest, Math.abs(value));
    worst = Math.max(worst, Math.abs((actual?.[i] ?? Number.NaN) - value));
  }
  return worst / largest;
}

/** The largest distance of all tensors whose names have the prefix, and how many there are. */
function compared(
  { golden, parameters }: Case,
  arrays: ReadonlyMap<string, Float32Array>,
  role: string,
  prefix: string,
  scale = 1,
): { worst: number; count: number } {
  const own = new Map(
    [...arrays].flatMap(([name, values]) =>
      name.startsWith(`${role}/`) ? [[name.slice(role.length + 1), values.map((v) => v * scale)]] : [],
    ),
  );
  const tensors = parameters.tensors(own);
  let [worst, count] = [0, 0];
  for (const [name, { data, dims }] of golden) {
    if (!name.startsWith(prefix)) continue;
    const tensor = tensors.get(name.slice(prefix.length));
    expect(tensor?.dims, name).toEqual(dims);
    worst = Math.max(worst, distance(tensor?.values, data));
    count += 1;
  }
  return { worst, count };
}

const CASES = ["dino-vit", "dino-swin", "dino-vit-free-last-layer"];

describe("steps of DINO, against PyTorch", () => {
  it.each(CASES)("have the gradients of every weight: %s", async (name) => {
    const one = await opened(name, { clip: undefined, freezeLastEpochs: 0 });
    const [first] = await steps(one.trainer, 1);
    expect(distance([first?.loss ?? 0], one.golden.get("losses")?.data.subarray(0, 1))).toBeLessThan(1e-6);
    const { arrays } = await one.trainer.snapshot();
    // After one step AdamW's first moment is a tenth of the gradient.
    const { worst, count } = compared(one, arrays, "firstMoments", "gradients.", 10);
    expect(count).toBeGreaterThan(30);
    expect(worst).toBeLessThan(1e-4);
  });

  it.each(CASES)("lead to the same student, teacher and centre: %s", async (name) => {
    const one = await opened(name);
    const { golden, trainer } = one;
    const results = await steps(trainer, STEPS);
    const of = (value: (result: DinoStepResult) => number) => results.map(value);
    const error = {
      losses: distance(
        of(({ loss }) => loss),
        golden.get("losses")?.data,
      ),
      norms: distance(
        of(({ gradientNorm }) => gradientNorm),
        golden.get("norms")?.data,
      ),
      entropies: distance(
        of(({ teacherEntropy }) => teacherEntropy),
        golden.get("entropies")?.data,
      ),
    };
    const { arrays } = await trainer.snapshot();
    expect(error.losses).toBeLessThan(1e-6);
    expect(error.norms).toBeLessThan(1e-4);
    expect(error.entropies).toBeLessThan(1e-5);
    expect(compared(one, arrays, "parameters", "student.").worst).toBeLessThan(1e-4);
    expect(compared(one, arrays, "averages", "teacher.").worst).toBeLessThan(1e-4);
    expect(distance(arrays.get("centre/head"), golden.get("centre")?.data)).toBeLessThan(1e-4);
    const { globals } = crops(trainer, STEPS, 0);
    expect(distance(await trainer.features(globals[0], 4), golden.get("features")?.data)).toBeLessThan(1e-4);
  });
});

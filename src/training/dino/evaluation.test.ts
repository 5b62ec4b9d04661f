import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { FeatureSet } from "./feature-set.js";
import { knnClassifier } from "./knn.js";
import { minimise } from "./lbfgs.js";
import { linearLogits, linearModel } from "./linear.js";

interface Golden {
  readonly width: number;
  readonly train: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly queries: readonly (readonly number[])[];
  readonly knn: readonly {
    readonly neighbours: number;
    readonly temperature: number;
    readonly shares: readonly (readonly number[])[];
  }[];
  readonly linear: readonly {
    readonly decay: number;
    readonly probabilities: readonly (readonly number[])[];
  }[];
}

// test/oracle/feature_evaluation.py
const golden = JSON.parse(
  readFileSync(new URL("../../../test/fixtures/training/feature-evaluation.json", import.meta.url), "utf8"),
) as Golden;
const train: FeatureSet = {
  values: Float32Array.from(golden.train.flat()),
  width: golden.width,
  labels: golden.labels,
};
const queries = Float32Array.from(golden.queries.flat());
const classes = 3;

function softmax(logits: Float32Array): number[] {
  return Array.from({ length: logits.length / classes }, (_, i) => {
    const e = [...logits.subarray(i * classes, (i + 1) * classes)].map(Math.exp);
    const total = e.reduce((a, b) => a + b, 0);
    return e.map((v) => v / total);
  }).flat();
}

function expectClose(values: readonly number[], wanted: readonly number[], within: number): void {
  expect(values).toHaveLength(wanted.length);
  for (const [i, v] of values.entries()) expect(Math.abs(v - (wanted[i] ?? Number.NaN))).toBeLessThan(within);
}

describe("k nearest neighbours", () => {
  it.each(golden.knn)("vote as in DINO's eval_knn.py ($neighbours, $temperature)", (one) => {
    const logits = knnClassifier(train, { classes, ...one })(queries);
    expectClose(softmax(logits), one.shares.flat(), 1e-5);
  });

  it("vote all where there are fewer, whatever the vectors' lengths are", () => {
    const bank: FeatureSet = {
      values: Float32Array.of(9, 0, 0, 0.1, 0, 0),
      width: 2,
      labels: [0, 1, 1],
    };
    const logits = knnClassifier(bank, { classes: 2, neighbours: 20, temperature: 0.07 })(
      Float32Array.of(0.2, 0.01, 0, 7),
    );
    expect(logits[0]).toBeGreaterThan(logits[1] ?? 0);
    expect(logits[3]).toBeGreaterThan(logits[2] ?? 0);
    expect(logits.every(Number.isFinite)).toBe(true);
  });

  it("give a class that none is of no share, and take the first of equals", () => {
    const bank: FeatureSet = { values: Float32Array.of(1, 0, 1, 0), width: 2, labels: [2, 1] };
    const logits = knnClassifier(bank, { classes, neighbours: 1, temperature: 0.07 })(Float32Array.of(3, 0));
    expect([...logits]).toEqual([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]);
  });
});

describe("a linear layer on features", () => {
  it.each(golden.linear)("is scikit-learn's logistic regression (decay $decay)", async (one) => {
    const model = await linearModel(train, { classes, decay: one.decay, tolerance: 1e-9 });
    expect(model.converged).toBe(true);
    expectClose(softmax(linearLogits(model, queries)), one.probabilities.flat(), 1e-5);
  });

  it("is the same whatever it began with, and says where it did not converge", async () => {
    const [first, ...rest] = golden.linear;
    const options = { classes, decay: 0.01, tolerance: 1e-9 };
    const one = await linearModel(train, options);
    const from = await linearModel(train, { classes, decay: first?.decay ?? 1 });
    const other = await linearModel(train, { ...options, from });
    expectClose([...other.weights], [...one.weights], 1e-6);
    expect(rest.length).toBeGreaterThan(0);
    expect((await linearModel(train, { ...options, iterations: 2 })).converged).toBe(false);
  });

  it("takes features that are the same in all images for nothing", async () => {
    const values = Float32Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? 5 : i < 4 ? -1 : 1));
    const model = await linearModel({ values, width: 2, labels: [0, 0, 1, 1] }, { classes: 2, decay: 0.1 });
    const logits = linearLogits(model, Float32Array.of(5, -1, 5, 1));
    expect((logits[0] ?? 0) - (logits[1] ?? 0)).toBeGreaterThan(1);
    expect((logits[3] ?? 0) - (logits[2] ?? 0)).toBeGreaterThan(1);
  });

  it("stops when it is interrupted", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(linearModel(train, { classes, decay: 0.1, signal })).rejects.toBe(reason);
  });
});

describe("L-BFGS", () => {
  it("finds the least value of a badly scaled bowl", async () => {
    const bowl = (x: Float64Array, gradient: Float64Array): number =>
      x.reduce((sum, v, i) => {
        const curve = 10 ** i;
        gradient[i] = curve * (v - i);
        return sum + (curve / 2) * (v - i) ** 2;
      }, 0);
    const { at, value, converged } = await minimise(bowl, new Float64Array(5).fill(-3), {
      tolerance: 1e-8,
      iterations: 200,
    });
    expect(converged).toBe(true);
    expect(value).toBeLessThan(1e-12);
    expectClose([...at], [0, 1, 2, 3, 4], 1e-6);
  });
});

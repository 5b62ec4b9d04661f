import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../onnx/builder.js";
import { float32Tensor, tensorToFloat32 } from "../onnx/tensor.js";
import type { Size } from "./architecture.js";
import {
  relativePositionBias,
  resizingOfTimm,
  resizingOfTransformers,
  squareFor,
  tableLength,
} from "./relative-positions.js";
import { storedTensors } from "./stored-tensor.js";
import { type Binding, weightsOf } from "./weights.js";

interface Case {
  readonly library: "timm" | "transformers";
  readonly made: Size;
  readonly grid: Size;
  /** [heads, tokens, tokens] */
  readonly expected: readonly number[];
}

const HEADS = 2;
const RESIZING = { timm: resizingOfTimm, transformers: resizingOfTransformers };

const file = new URL("../../test/fixtures/attention-positions.json", import.meta.url);
const cases: readonly Case[] = JSON.parse(readFileSync(file, "utf8")).filter((c: object) => "library" in c);

/** The table that test/oracle/attention_position_goldens.py gives to the libraries. */
function table(made: Size) {
  const dims = [tableLength(made), HEADS];
  const values = Float32Array.from({ length: tableLength(made) * HEADS }, (_, i) => {
    const x = Math.sin(i * 12.9898) * 43.758;
    return x - Math.trunc(x);
  });
  return float32Tensor(dims, values);
}

async function bias({ library, made, grid }: Case): Promise<{
  readonly dims: readonly number[];
  readonly values: Float32Array;
  readonly binding: Binding | undefined;
}> {
  const weights = weightsOf(storedTensors(new Map([["table", table(made)]])), "BEiT");
  const shape = { made, grid, heads: HEADS, resizing: RESIZING[library] };
  const write = () => {
    const graph = GraphBuilder.empty();
    return graph.constantOf(relativePositionBias({ graph, weights }, ["table"], shape));
  };
  write();
  weights.finish();
  await weights.load();
  const tensor = write();
  if (tensor === undefined) throw new Error("no constant was written");
  return { dims: tensor.dims, values: tensorToFloat32(tensor), binding: weights.bindings.get(tensor) };
}

describe("relative position bias", () => {
  const named = cases.map((c) => [`${c.library}, ${c.made.join("×")} to ${c.grid.join("×")}`, c] as const);
  it.each(named)("is what the library makes of the table: %s", async (_name, wanted) => {
    const { dims, values } = await bias(wanted);
    const tokens = wanted.grid[0] * wanted.grid[1] + 1;
    expect(dims).toEqual([1, HEADS, tokens, tokens]);
    expect(values).toHaveLength(wanted.expected.length);
    const error = wanted.expected.reduce(
      (e, v, i) => Math.max(e, Math.abs((values[i] ?? Number.NaN) - v)),
      0,
    );
    expect(error).toBeLessThan(2e-6);
  });

  it.each(named)("hands a gradient back through its resizing: %s", async (_name, wanted) => {
    const { values, binding } = await bias(wanted);
    const gradient = values.map((_, i) => Math.sin(i * 0.7));
    const back = new Float32Array(tableLength(wanted.made) * HEADS);
    binding?.adjoint(gradient, [back], []);
    // ⟨A·table, gradient⟩ = ⟨table, Aᵀ·gradient⟩.
    const there = values.reduce((sum, v, i) => sum + v * (gradient[i] ?? 0), 0);
    const again = tensorToFloat32(table(wanted.made)).reduce((sum, v, i) => sum + v * (back[i] ?? 0), 0);
    expect(again).toBeCloseTo(there, 4);
  });
});

describe("a table's length", () => {
  it("says for which square grid it is", () => {
    expect(squareFor(tableLength([14, 14]))).toEqual([14, 14]);
    expect(squareFor(tableLength([1, 1]))).toEqual([1, 1]);
  });

  it("says nothing where no square fits", () => {
    expect(squareFor(tableLength([4, 6]))).toBeUndefined();
    expect(squareFor(0)).toBeUndefined();
  });
});

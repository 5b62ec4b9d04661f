import { describe, expect, it } from "vitest";
import { freshHead, headOf } from "./head.js";

const shapes = (...args: Parameters<typeof headOf>): Record<string, readonly number[]> =>
  Object.fromEntries([...freshHead(headOf(...args), 1)].map(([name, { dims }]) => [name, dims]));

const floats = (name: string, seed: number): Float32Array => {
  const tensor = freshHead(headOf(192, 0.1, { out: 512, hidden: 128 }), seed).get(name);
  if (tensor?.bytes === undefined) throw new Error(`no ${name}`);
  return new Float32Array(new Uint8Array(tensor.bytes).buffer);
};

describe("DINO's projection head", () => {
  it("has the tensors that DINOHead has", () => {
    expect(shapes(192, 0.1, { out: 512, hidden: 64, bottleneck: 32 })).toEqual({
      "dino_head.mlp.0.weight": [64, 192],
      "dino_head.mlp.0.bias": [64],
      "dino_head.mlp.2.weight": [64, 64],
      "dino_head.mlp.2.bias": [64],
      "dino_head.mlp.4.weight": [32, 64],
      "dino_head.mlp.4.bias": [32],
      "dino_head.last_layer.weight_v": [512, 32],
    });
    expect(shapes(192, 0.1, { out: 8, layers: 1, bottleneck: 4, normLast: false })).toEqual({
      "dino_head.mlp.weight": [4, 192],
      "dino_head.mlp.bias": [4],
      "dino_head.last_layer.weight_v": [8, 4],
      "dino_head.last_layer.weight_g": [8, 1],
    });
  });

  it("begins as DINOHead does, the same for the same seed", () => {
    const mlp = floats("dino_head.mlp.2.weight", 1);
    const deviation = Math.sqrt(mlp.reduce((sum, value) => sum + value * value, 0) / mlp.length);
    expect(deviation).toBeCloseTo(0.02, 3);
    expect(new Set(floats("dino_head.mlp.2.bias", 1))).toEqual(new Set([0]));
    const last = floats("dino_head.last_layer.weight_v", 1);
    expect(last.reduce((most, value) => Math.max(most, Math.abs(value)), 0)).toBeCloseTo(1 / 16, 3);
    expect(floats("dino_head.last_layer.weight_v", 1)).toEqual(last);
    expect(floats("dino_head.last_layer.weight_v", 2)).not.toEqual(last);
  });
});

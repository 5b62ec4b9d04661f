import { describe, expect, it } from "vitest";
import { tensorToFloat32 } from "../onnx/tensor.js";
import { parameterSet } from "./parameters.js";
import { smallModel } from "./testing/small.js";

const opened = async (name: string, frozen?: (tensor: string) => boolean) => {
  const { built, tensors } = await smallModel(name);
  return { built, tensors, set: await parameterSet(built, tensors, frozen ? { frozen } : {}) };
};

const NAMES = [
  "timm-vit-tiny-patch16-224-class-token",
  "timm-deit-tiny-distilled-patch16-224-two-heads",
  "timm-vit-tiny-patch16-224-registers-positions-of-patches-only",
  "timm-beit-base-patch16-224-relative-positions",
  "timm-swin-tiny-patch4-window7-224-new-names",
  "timm-vit-tiny-patch16-224-float16",
  "transformers-dinov2forimageclassification-swiglu",
  "transformers-swinforimageclassification-plain",
];

describe("parameters", () => {
  it.each(NAMES)("of %s are the checkpoint's tensors, there and back", async (name) => {
    const { built, tensors, set } = await opened(name);
    const values = new Map(set.parameters.map((parameter) => [parameter.name, parameter.values]));
    const back = set.tensors(values);
    const trained = new Set(
      [...built.bindings.values()].flatMap(({ parts }) => parts.map((part) => part.name)),
    );
    expect([...back.keys()].sort()).toEqual([...trained].sort());
    for (const [tensor, { dims, values: got }] of back) {
      const original = tensors.get(tensor);
      expect(original?.dims).toEqual(dims);
      if (original?.bytes)
        expect(got, tensor).toEqual(tensorToFloat32({ ...original, bytes: original.bytes }).slice());
    }
  });

  it.each(NAMES)("of %s give the constants that were built", async (name) => {
    const { built, set } = await opened(name);
    const computed = set.compute(
      new Map(set.parameters.map((parameter) => [parameter.name, parameter.values])),
    );
    expect(
      new Set([...computed.keys(), ...set.parameters.flatMap((p) => (p.direct ? [p.name] : []))]),
    ).toEqual(set.trained);
    for (const [constant, values] of computed) {
      const tensor = built.model.graph.constants.get(constant);
      expect(values).toEqual(tensor && tensorToFloat32(tensor).slice());
    }
  });

  it("know where they are and whether they decay", async () => {
    const { set } = await opened("timm-vit-tiny-patch16-224-class-token");
    const of = (name: string) => set.parameters.find((parameter) => parameter.name === name);
    expect(set.blocks).toBe(2);
    expect(of("blocks.1.mlp.fc1.weight")).toMatchObject({
      depth: 2,
      decay: true,
      direct: true,
      dims: [12, 24],
    });
    expect(of("blocks.1.mlp.fc1.bias")).toMatchObject({ depth: 2, decay: false, direct: true });
    expect(of("pos_embed")).toMatchObject({ depth: 0, decay: false, direct: false, dims: [1, 17, 12] });
    expect(of("cls_token")).toMatchObject({ depth: 0, decay: false, direct: false });
    expect(of("head.weight")).toMatchObject({ depth: 3, decay: true });
  });

  it("gather a gradient from all constants that a tensor is in", async () => {
    const { set } = await opened("timm-vit-tiny-patch16-224-class-token");
    const ones = new Map(
      [...set.computed].map(([name, dims]) => [
        name,
        new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(1),
      ]),
    );
    const gathered = set.gather(ones, new Map(set.parameters.map(({ name, values }) => [name, values])));
    expect([...gathered.keys()].sort()).toEqual(["cls_token", "pos_embed"]);
    for (const gradient of gathered.values()) expect(gradient.every((value) => value === 1)).toBe(true);
  });
});

describe("freezing", () => {
  it("leaves constants in the graph", async () => {
    const { set } = await opened("timm-vit-tiny-patch16-224-class-token", (name) => !name.startsWith("head"));
    expect([...set.trained].sort()).toEqual(["head.bias", "head.weight"]);
    expect(set.computed.size).toBe(0);
  });

  it("of a token leaves the positions that are summed with it", async () => {
    const { set } = await opened("timm-vit-tiny-patch16-224-class-token", (name) => name === "cls_token");
    expect(set.parameters.map(({ name }) => name)).toContain("pos_embed");
    expect(set.parameters.map(({ name }) => name)).not.toContain("cls_token");
  });
});

describe("what cannot be trained", () => {
  it("is a model of which all is frozen", async () => {
    await expect(opened("timm-vit-tiny-patch16-224-class-token", () => true)).rejects.toThrow(
      /nothing to train/,
    );
  });
});

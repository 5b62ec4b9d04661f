import { describe, expect, it } from "vitest";
import { relativeError } from "../../test/compare.js";
import type { Tensor } from "../onnx/graph.js";
import { float32Tensor, tensorToFloat32 } from "../onnx/tensor.js";
import { type FeatureOrder, readHead } from "./head.js";
import { buildModel, readConfig, storedTensors } from "./index.js";
import {
  classifierShapes,
  DIM,
  DINOV2,
  dinov2Shapes,
  type Shapes,
  tensorsOf,
  VIT,
  vitShapes,
} from "./testing/hugging-face-vit.js";
import { runOnWaves } from "./testing/run.js";

const SOURCE = "probe.pth";

const headOf = (tensors: ReadonlyMap<string, Tensor>, order?: FeatureOrder) =>
  readHead(storedTensors(tensors), SOURCE, order);

/** A classifier's tensors under another name than "classifier.". */
const named = (shapes: Shapes, prefix: string): Map<string, Tensor> =>
  new Map([...tensorsOf(shapes)].map(([name, t]) => [name.replace("classifier.", prefix), t]));

const build = async (
  config: object,
  shapes: Shapes,
  head?: ReadonlyMap<string, Tensor>,
  order?: FeatureOrder,
) =>
  buildModel(readConfig(config), storedTensors(tensorsOf(shapes)), {
    head: head && headOf(head, order),
  });

/** Features [2, width] by the weights [classes, width], plus bias. */
function classified(features: Float32Array, head: ReadonlyMap<string, Tensor>): Float32Array {
  const values = (name: string) => tensorToFloat32(head.get(name) ?? float32Tensor([0], new Float32Array()));
  const [weight, bias] = [values("weight"), values("bias")];
  const width = features.length / 2;
  return Float32Array.from({ length: 2 * bias.length }, (_, i) => {
    const [row, out] = [Math.floor(i / bias.length), i % bias.length];
    let sum = bias[out] ?? 0;
    for (let k = 0; k < width; k++) sum += (weight[out * width + k] ?? 0) * (features[row * width + k] ?? 0);
    return sum;
  });
}

describe("a linear classifier in a file of its own", () => {
  const model = { ...VIT, architectures: ["ViTModel"] };

  it.each(["", "linear.", "head.", "classifier.", "fc.", "module.linear.", "model.fc.", "_orig_mod.module."])(
    'is found under "%s"',
    (prefix) => {
      expect(headOf(named(classifierShapes(5), prefix))).toMatchObject({ classes: 5, width: DIM });
    },
  );

  it("classifies the features of a trunk", async () => {
    const head = named(classifierShapes(5), "");
    const features = await runOnWaves((await build(model, vitShapes(""))).model);
    const { model: whole, notes } = await build(model, vitShapes(""), head);
    expect(whole.graph.outputs.map(({ name, shape }) => [name, shape?.[1]])).toEqual([["logits", 5]]);
    expect(relativeError(await runOnWaves(whole), classified(features, head))).toBeLessThan(1e-5);
    expect(notes.join()).toMatch(
      /classifier in probe\.pth reads the 8 features of the model and gives 5 classes/,
    );
  });

  it("takes the place of a checkpoint's own, whose labels are not its", async () => {
    const own = { ...vitShapes(), ...classifierShapes(3) };
    const labelled = { ...VIT, id2label: { 0: "a", 1: "b", 2: "c" } };
    const head = named(classifierShapes(5), "head.");
    const replaced = (await build(labelled, own, head)).model;
    expect(replaced.metadata.size).toBe(0);
    const trunk = (await build(model, vitShapes(), head)).model;
    expect(relativeError(await runOnWaves(replaced), await runOnWaves(trunk))).toBe(0);
  });

  it("works without a bias", async () => {
    const { model: whole } = await build(model, vitShapes(""), tensorsOf({ weight: [5, DIM] }));
    expect(await runOnWaves(whole)).toHaveLength(10);
  });
});

describe("a linear classifier of class token and mean of patches", () => {
  const whole: Shapes = { ...dinov2Shapes(), ...classifierShapes(3, 2 * DIM) };
  const trunk = dinov2Shapes("");
  const config = { ...DINOV2, architectures: ["Dinov2Model"] };
  const head = named(classifierShapes(3, 2 * DIM), "");
  // The same values whatever the prefix: they are made from the names.
  const same = (shapes: Shapes) =>
    new Map(
      [...tensorsOf(whole)]
        .map(([name, t]) => [name.replace("dinov2.", ""), t] as const)
        .filter(([n]) => n in shapes),
    );

  it("taken off a DINOv2 and given back, computes the same", async () => {
    const expected = await runOnWaves((await build(DINOV2, whole)).model);
    const built = await buildModel(readConfig(config), storedTensors(same(trunk)), { head: headOf(head) });
    expect(relativeError(await runOnWaves(built.model), expected)).toBeLessThan(1e-6);
    expect(built.notes.join()).toMatch(/class token and the mean of the patches \(concatenated\)/);
  });

  it("may have them by turns, as DINO's own evaluation does", async () => {
    const expected = await runOnWaves((await build(config, trunk, head)).model);
    const values = tensorToFloat32(head.get("weight") ?? float32Tensor([0], new Float32Array()));
    const turned = values.map((_, i) => {
      const [row, column] = [Math.floor(i / (2 * DIM)), i % (2 * DIM)];
      return values[row * 2 * DIM + (column % 2) * DIM + Math.floor(column / 2)] ?? 0;
    });
    const interleaved = new Map([
      ["linear.weight", float32Tensor([3, 2 * DIM], turned)],
      ["linear.bias", head.get("bias") ?? float32Tensor([3], new Float32Array(3))],
    ]);
    const built = await build(config, trunk, interleaved, "interleaved");
    expect(relativeError(await runOnWaves(built.model), expected)).toBeLessThan(1e-6);
    await expect(build(config, trunk, interleaved)).rejects.toThrow(
      /does not say how they lie: give probe\.pth:order=interleaved for DINO's own/,
    );
  });
});

describe("what is no classifier of a model's features", () => {
  const config = { ...VIT, architectures: ["ViTModel"] };

  it("is refused with what it has and what is expected", () => {
    expect(() => headOf(tensorsOf(vitShapes()))).toThrow(
      /probe\.pth is no linear classifier: a tensor "weight" \[classes, features\].*but it has 22 tensors \(vit\.embeddings/,
    );
    expect(() => headOf(tensorsOf({ weight: [5, 4, 2] }))).toThrow(/its weight is \[5, 4, 2\], not/);
    expect(() => headOf(tensorsOf({ weight: [5, 4], bias: [4] }))).toThrow(/its bias \[4\], not/);
    expect(() => headOf(tensorsOf({}))).toThrow(/it has 0 tensors/);
  });

  it("is refused where it takes other features, those of several layers by name", async () => {
    const head = (width: number) => tensorsOf({ weight: [5, width], bias: [5] });
    await expect(build(config, vitShapes(""), head(9))).rejects.toThrow(
      /probe\.pth takes 9 features, but the model gives 8 \(the class token or pooled tokens\) or 16/,
    );
    await expect(build(config, vitShapes(""), head(4 * DIM))).rejects.toThrow(
      /that is 4 × 8: a linear probe on several layers' class tokens .* is not supported/,
    );
  });
});

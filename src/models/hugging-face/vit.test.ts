import { describe, expect, it } from "vitest";
import { relativeError } from "../../../test/compare.js";
import { buildModel, type PlanOptions, readConfig, storedTensors } from "../index.js";
import {
  classifierShapes,
  DIM,
  DINOV2,
  dinov2Shapes,
  type Shapes,
  tensorsOf,
  VIT,
  vitShapes,
} from "../testing/hugging-face-vit.js";
import { runOnWaves } from "../testing/run.js";

type Changed = Readonly<Record<string, readonly number[] | undefined>>;

const build = (config: object, shapes: Changed, options: PlanOptions = {}) =>
  buildModel(readConfig(config), storedTensors(tensorsOf(shapes)), options);

const classifying: Shapes = { ...vitShapes(), ...classifierShapes(3) };
const dinov2: Shapes = { ...dinov2Shapes(), ...classifierShapes(3, 2 * DIM) };

const outputs = async (config: object, shapes: Changed, options?: PlanOptions) =>
  (await build(config, shapes, options)).model.graph.outputs.map(({ name, shape }) => [name, shape?.[1]]);

describe("transformers' ViT from its checkpoint", () => {
  it("gives logits, and features where the trunk was saved alone, with or without its pooler", async () => {
    expect(await outputs(VIT, classifying)).toEqual([["logits", 3]]);
    const model = { ...VIT, architectures: ["ViTModel"] };
    expect(await outputs(model, vitShapes(""))).toEqual([["features", DIM]]);
    const pooler = { ...vitShapes(""), ...classifierShapes(DIM, DIM, "pooler.dense") };
    expect(await outputs(model, pooler)).toEqual([["features", DIM]]);
  });

  it("is a classifier or a trunk by its tensors where no class is named", async () => {
    const { architectures: _, ...nameless } = VIT;
    expect(await outputs(nameless, classifying)).toEqual([["logits", 3]]);
    expect(await outputs(nameless, vitShapes(""))).toEqual([["features", DIM]]);
  });

  it("leaves out mask tokens and the decoders of masked image modelling, and says so", async () => {
    const masked = {
      ...vitShapes(),
      "vit.embeddings.mask_token": [1, 1, DIM],
      "decoder.0.weight": [48, DIM, 1, 1],
      "decoder.0.bias": [48],
    };
    const { notes } = await build({ ...VIT, architectures: ["ViTForMaskedImageModeling"] }, masked);
    expect(notes.join()).toMatch(/decoder of masked image modelling is left out/);
    const mae = { ...vitShapes(), "decoder.mask_token": [1, 1, 4] };
    const config = { ...VIT, model_type: "vit_mae", architectures: ["ViTMAEForPreTraining"] };
    expect((await build(config, mae)).notes.join()).toMatch(/no patch masked/);
    await expect(build(VIT, { ...classifying, "decoder.0.bias": [48] })).rejects.toThrow(
      /Not expected.*decoder/,
    );
  });

  it("computes the same under the module names of transformers 5", async () => {
    const renamed = new Map(
      [...tensorsOf(classifying)].map(([name, tensor]) => [
        name
          .replace("encoder.layer.", "layers.")
          .replace(/attention\.attention\.(query|key|value)/, (_, m: string) => `attention.${m[0]}_proj`)
          .replace("attention.output.dense", "attention.o_proj")
          .replace("intermediate.dense", "mlp.fc1")
          .replace("output.dense", "mlp.fc2"),
        tensor,
      ]),
    );
    const { model } = await buildModel(readConfig(VIT), storedTensors(renamed));
    const old = await runOnWaves((await build(VIT, classifying)).model);
    expect(relativeError(await runOnWaves(model), old)).toBe(0);
    expect(model.graph.nodes.map((n) => n.scope)).toContain("vit.layers.0.layernorm_before");
  });

  it("finds blocks without the trunk's name in front, as transformers 5 saves ViTMSNForImageClassification", async () => {
    const cut = Object.entries(classifying).map(([name, dims]) => [
      name.replace("vit.encoder.", "encoder."),
      dims,
    ]);
    const config = { ...VIT, model_type: "vit_msn", architectures: ["ViTMSNForImageClassification"] };
    expect(await outputs(config, Object.fromEntries(cut))).toEqual([["logits", 3]]);
  });

  it("reads norms whose tensors are called gamma and beta", async () => {
    const tensors = new Map(
      [...tensorsOf(classifying)].map(([name, tensor]) => [
        name.replace(/(layernorm\w*)\.weight/, "$1.gamma").replace(/(layernorm\w*)\.bias/, "$1.beta"),
        tensor,
      ]),
    );
    const { model } = await buildModel(readConfig(VIT), storedTensors(tensors));
    expect(model.graph.outputs[0]?.name).toBe("logits");
  });

  it("fills in each model type's own defaults", async () => {
    const epsilons = async (config: object, shapes: Shapes) =>
      (await build(config, shapes)).model.graph.nodes.flatMap((n) =>
        n.op === "LayerNormalization" ? [n.attributes.epsilon] : [],
      );
    const [vit] = await epsilons(VIT, classifying);
    expect(vit).toEqual({ kind: "float", value: 1e-12 });
    const [msn] = await epsilons({ ...VIT, model_type: "vit_msn", architectures: [] }, classifying);
    expect(msn).toEqual({ kind: "float", value: 1e-6 });
    const [dino] = await epsilons(DINOV2, dinov2);
    expect(dino).toEqual({ kind: "float", value: 1e-6 });
  });
});

describe("transformers' DeiT from its checkpoint", () => {
  const config = { ...VIT, model_type: "deit" };
  const trunk: Shapes = { ...vitShapes("deit.", 2), "deit.embeddings.distillation_token": [1, 1, DIM] };

  it("averages two heads, on its two tokens", async () => {
    const shapes = {
      ...trunk,
      ...classifierShapes(3, DIM, "cls_classifier"),
      ...classifierShapes(3, DIM, "distillation_classifier"),
    };
    const teacher = { ...config, architectures: ["DeiTForImageClassificationWithTeacher"] };
    const { model } = await build(teacher, shapes);
    const gathered = model.graph.nodes.flatMap((n) => (n.op === "Gather" ? [n.inputs[1] ?? ""] : []));
    const tokens = gathered.map((name) => model.graph.constants.get(name)?.bytes[0]);
    expect(tokens).toEqual([0, 1]);
    expect(model.graph.outputs.map((o) => o.name)).toEqual(["logits"]);
    expect(new Set(model.graph.nodes.flatMap((n) => n.outputs)).size).toBe(
      model.graph.nodes.flatMap((n) => n.outputs).length,
    );
  });

  it("reads the class token where it has one head", async () => {
    const one = { ...config, architectures: ["DeiTForImageClassification"] };
    expect(await outputs(one, { ...trunk, ...classifierShapes(5) })).toEqual([["logits", 5]]);
  });
});

describe("images of another size than the configuration's", () => {
  const size = async (config: object, shapes: Shapes, options: PlanOptions) =>
    (await build(config, shapes, options)).model.graph.inputs[0]?.shape?.slice(2);

  it("are what ViT takes when asked, and DINOv2 also when its processor delivers them", async () => {
    expect(await size(VIT, classifying, { prepared: [24, 24] })).toEqual([16, 16]);
    expect(await size(VIT, classifying, { image: [24, 20] })).toEqual([24, 20]);
    expect(await size(DINOV2, dinov2, { prepared: [24, 20] })).toEqual([24, 20]);
    expect(await size(DINOV2, dinov2, { prepared: [24, 24], image: [8, 8] })).toEqual([8, 8]);
  });

  it("are told, as their positions are interpolated", async () => {
    const { notes } = await build(VIT, classifying, { image: [24, 20] });
    expect(notes).toEqual(["Position embeddings for 4×4 patches were interpolated to 6×5."]);
  });

  it("are refused where transformers' interpolation fails: positions on no square grid", async () => {
    const wide = { ...VIT, image_size: [16, 20] };
    const shapes = { ...classifying, "vit.embeddings.position_embeddings": [1, 21, DIM] };
    expect(await size(wide, shapes, {})).toEqual([16, 20]);
    await expect(build(wide, shapes, { image: [16, 16] })).rejects.toThrow(
      /transformers interpolates them from a square grid only: this checkpoint has 4×5/,
    );
  });

  it("are refused where they are smaller than a patch", async () => {
    await expect(build(VIT, classifying, { image: [2, 16] })).rejects.toThrow(
      /2×16 are smaller than a patch/,
    );
  });
});

describe("a configuration or checkpoint that is not understood", () => {
  it.each([
    [{ hidden_act: "mish" }, /hidden_act "mish" is not supported; supported are gelu/],
    [{ num_attention_heads: 3 }, /hidden_size 8 is no multiple of num_attention_heads 3/],
    [{ pruned_heads: { 0: [1] } }, /pruned_heads is not supported/],
    [{ quantization_config: { load_in_8bit: true } }, /quantization_config is not supported/],
    [{ patch_size: 32 }, /patch_size 32×32 exceeds image_size 16×16/],
    [{ image_size: "big" }, /image_size/],
    [{ num_labels: 4 }, /num_labels 4, but classifier\.weight has 3 rows/],
    [{ architectures: ["ViTForSegmentation"] }, /class ViTForSegmentation is not supported.*ViTModel/],
    [{ id2label: { 0: "a", 1: "b" } }, /names 2 labels for 3 classes/],
  ])("is refused by name: %j", async (changed, message) => {
    await expect(build({ ...VIT, ...changed }, classifying)).rejects.toThrow(message);
  });

  it("lists every tensor at fault, biases that are missing or too many among them", async () => {
    const changed = {
      ...classifying,
      "vit.encoder.layer.0.intermediate.dense.bias": undefined,
      "vit.layernorm.weight": [4],
      "vit.extra": [1],
    };
    await expect(build(VIT, changed)).rejects.toThrow(
      /Missing \(1\): vit\.encoder\.layer\.0\.intermediate\.dense\.bias \[16\]\. Of another shape \(1\): vit\.layernorm\.weight is \[4\], not \[8\]\. Not expected \(1\): vit\.extra/,
    );
    await expect(build({ ...VIT, qkv_bias: false }, classifying)).rejects.toThrow(
      /Not expected \(3\): vit\.encoder\.layer\.0\.attention\.attention\.query\.bias/,
    );
  });

  it("needs the classifier that its class has", async () => {
    await expect(build(VIT, vitShapes())).rejects.toThrow(
      /Missing \(2\): classifier\.weight \[2, 8\], classifier\.bias/,
    );
  });
});

describe("DINOv2's feed-forward part", () => {
  it("is gated where the configuration says so, with two thirds of the features in eights", async () => {
    const gated: Record<string, readonly number[]> = { ...dinov2 };
    for (const name of Object.keys(dinov2)) if (name.includes(".mlp.")) delete gated[name];
    const hidden = 16; // (int(8 · 2 · 2/3) + 7) // 8 · 8
    const mlp = "dinov2.encoder.layer.0.mlp";
    Object.assign(gated, classifierShapes(2 * hidden, DIM, `${mlp}.weights_in`));
    Object.assign(gated, classifierShapes(DIM, hidden, `${mlp}.weights_out`));
    const config = { ...DINOV2, use_swiglu_ffn: true };
    const together = await runOnWaves((await build(config, gated)).model);
    const apart = new Map(
      [...tensorsOf(gated)].flatMap(([name, tensor]) => {
        const split = /weights_in\.(\w+)$/.exec(name)?.[1];
        if (split === undefined) return [[name.replace("weights_out", "down_proj"), tensor] as const];
        const half = tensor.bytes.length / 2;
        const dims = [hidden, ...tensor.dims.slice(1)];
        return [
          [`${mlp}.gate_proj.${split}`, { ...tensor, dims, bytes: tensor.bytes.slice(0, half) }] as const,
          [`${mlp}.up_proj.${split}`, { ...tensor, dims, bytes: tensor.bytes.slice(half) }] as const,
        ];
      }),
    );
    const { model } = await buildModel(readConfig(config), storedTensors(apart));
    expect(relativeError(await runOnWaves(model), together)).toBe(0);
  });
});

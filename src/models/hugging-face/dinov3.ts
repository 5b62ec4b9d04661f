/**
 * @file Hugging Face's DINOv3 ViT (Siméoni et al. 2025): registers, LayerScale, and rotary positions made of the patches'
 * centres, which fit any grid. transformers has it without a classifier only.
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import type { Architecture, Plan, PlanOptions } from "../architecture.js";
import type { Description } from "../description.js";
import { type Site, withBiases } from "../layers.js";
import { axialAngles, centredCoordinates, fixedRotation, rotate } from "../rotary.js";
import type { TensorShapes } from "../stored-tensor.js";
import {
  type BlockNames,
  type Feed,
  gridOf,
  type Vit,
  type VitHead,
  withFeatures,
  writeVit,
} from "../vit.js";
import { activationNamed } from "./activation.js";
import { recogniseDinov3 } from "./dinov3-recognise.js";
import { pairField, positiveInt, readFields } from "./fields.js";

/** DINOv3ViTConfig, with its defaults; what acts in training only is left out. */
const schema = z.looseObject({
  patch_size: pairField.default([16, 16]),
  hidden_size: positiveInt.default(384),
  intermediate_size: positiveInt.default(1536),
  num_hidden_layers: positiveInt.default(12),
  num_attention_heads: positiveInt.default(6),
  hidden_act: z.string().default("gelu"),
  layer_norm_eps: z.number().positive().default(1e-5),
  rope_theta: z.number().positive().default(100),
  image_size: pairField.default([224, 224]),
  num_channels: positiveInt.default(3),
  query_bias: z.boolean().default(true),
  key_bias: z.boolean().default(false),
  value_bias: z.boolean().default(true),
  proj_bias: z.boolean().default(true),
  mlp_bias: z.boolean().default(true),
  use_gated_mlp: z.boolean().default(false),
  num_register_tokens: z.int().nonnegative().default(0),
});

type Config = z.output<typeof schema>;

/** Classes whose checkpoints these are; both hold the same tensors. */
const CLASSES = new Set(["DINOv3ViTModel", "DINOv3ViTBackbone"]);

function blockNames(scope: string, { hidden_act, use_gated_mlp }: Config): BlockNames {
  const [inner, mlp] = [`${scope}.attention`, `${scope}.mlp`];
  const feed: Feed = {
    fc1: use_gated_mlp ? { gate: `${mlp}.gate_proj`, value: `${mlp}.up_proj` } : `${mlp}.up_proj`,
    act: `${mlp}.act_fn`,
    activation: activationNamed(hidden_act),
    fc2: `${mlp}.down_proj`,
  };
  return {
    scope,
    norm1: `${scope}.norm1`,
    attention: {
      scope: inner,
      qkv: [`${inner}.q_proj`, `${inner}.k_proj`, `${inner}.v_proj`],
      proj: `${inner}.o_proj`,
    },
    scale1: `${scope}.layer_scale1.lambda1`,
    norm2: `${scope}.norm2`,
    feed,
    scale2: `${scope}.layer_scale2.lambda1`,
  };
}

/** Whether the module has a bias. */
function biased(module: string, config: Config): boolean {
  switch (module.split(".").at(-1)) {
    case "q_proj":
      return config.query_bias;
    case "k_proj":
      return config.key_bias;
    case "v_proj":
      return config.value_bias;
    case "o_proj":
      return config.proj_bias;
    case "gate_proj":
    case "up_proj":
    case "down_proj":
      return config.mlp_bias;
    default:
      return true;
  }
}

function plan(description: Description, tensors: TensorShapes, options: PlanOptions): Plan {
  if (description.library !== "hugging-face") throw new RangeError("only Hugging Face's are accepted");
  const [name] = description.architectures;
  if (name !== undefined && !CLASSES.has(name))
    throw new VitreousError(`${name} is not supported, only ${[...CLASSES].join(" and ")}.`);
  const config = readFields(description, schema);
  const { hidden_size: dim, num_attention_heads: heads, num_register_tokens: registers } = config;
  const width = dim / heads;
  if (width % 4 !== 0) {
    throw new VitreousError(
      `config.json: hidden_size ${dim} over num_attention_heads ${heads} must be a multiple of 4 for rotary positions.`,
    );
  }
  const patch = config.patch_size;
  const image = options.image ?? options.prepared ?? config.image_size;
  const grid = gridOf(image, patch);
  if (grid[0] * grid[1] === 0)
    throw new VitreousError(`Images of ${image.join("×")} are smaller than a patch of ${patch.join("×")}.`);
  // In files "layer.0", in memory "model.layer.0" since transformers 5.
  const layers = tensors.has("model.layer.0.norm1.weight") ? "model.layer" : "layer";
  const prefix = [
    { name: "embeddings.cls_token", count: 1, positioned: false },
    ...(registers > 0 ? [{ name: "embeddings.register_tokens", count: registers, positioned: false }] : []),
  ];
  const head: VitHead = { pooling: { kind: "token" }, scope: "pooler", classifiers: [], classes: 0 };
  const vit: Vit = {
    dim,
    depth: config.num_hidden_layers,
    heads,
    hidden: config.intermediate_size,
    channels: config.num_channels,
    image,
    patch,
    epsilon: config.layer_norm_eps,
    patches: "embeddings.patch_embeddings",
    prefix,
    block: (index) => blockNames(`${layers}.${index}`, config),
    norm: "norm",
    head: withFeatures(head, options.features, prefix),
  };
  const angles = axialAngles(centredCoordinates(grid), {
    width,
    temperature: config.rope_theta,
    factor: 2 * Math.PI,
  });
  const shape = { prefix: 1 + registers, patches: grid[0] * grid[1], width, heads: 1 };
  const write = (plain: Site, pixels: string): string => {
    const site = withBiases(plain, (module) => biased(module, config));
    site.weights.leave(
      (tensor) =>
        tensor === "embeddings.mask_token" ||
        tensor === "rope_embeddings.inv_freq" ||
        (registers === 0 && tensor === "embeddings.register_tokens"),
    );
    const rotation = fixedRotation(site, "rope_embeddings", angles, shape);
    const attend = (index: number) => ({
      rotate: (x: string) => rotate(site, `${layers}.${index}.attention`, rotation, x, width),
    });
    return writeVit(site, pixels, { ...vit, attend });
  };
  return { input: [config.num_channels, ...image], classes: 0, write };
}

export const huggingFaceDinov3: Architecture = {
  name: "Hugging Face's DINOv3 ViT (dinov3_vit)",
  accepts: (description) => description.library === "hugging-face" && description.modelType === "dinov3_vit",
  plan,
  recognise: recogniseDinov3,
};

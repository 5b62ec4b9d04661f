/**
 * @file Hugging Face's BEiT (Bao et al. 2022): a ViT without position embeddings, whose attention adds a bias by relative
 * position, in every block its own or one for all.
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import type { Architecture, Plan, PlanOptions, Size } from "../architecture.js";
import type { Description } from "../description.js";
import { type Site, withBiases } from "../layers.js";
import { relativePositionBias, resizingOfTransformers } from "../relative-positions.js";
import type { TensorShapes } from "../stored-tensor.js";
import { type BlockNames, gridOf, type Positions, type Vit, writeVit } from "../vit.js";
import { type VitHead, withFeatures } from "../vit-head.js";
import { activationNamed } from "./activation.js";
import { recogniseBeit } from "./beit-recognise.js";
import type { HuggingFaceDescription } from "./config.js";
import { classesOf, pairField, positiveInt, readFields } from "./fields.js";

/** BeitConfig, with its defaults. */
const schema = z.looseObject({
  hidden_size: positiveInt.default(768),
  num_hidden_layers: positiveInt.default(12),
  num_attention_heads: positiveInt.default(12),
  intermediate_size: positiveInt.default(3072),
  hidden_act: z.string().default("gelu"),
  layer_norm_eps: z.number().positive().default(1e-12),
  image_size: pairField.default([224, 224]),
  patch_size: pairField.default([16, 16]),
  num_channels: positiveInt.default(3),
  use_mask_token: z.boolean().default(false),
  use_absolute_position_embeddings: z.boolean().default(false),
  use_relative_position_bias: z.boolean().default(false),
  use_shared_relative_position_bias: z.boolean().default(false),
  layer_scale_init_value: z.number().default(0.1),
  use_mean_pooling: z.boolean().default(true),
});

type Config = z.output<typeof schema>;

const CLASSIFIER = "BeitForImageClassification";
const BASE = "BeitModel";

/** Which of the classes that save such checkpoints, told by its name or, where there is none, by its tensors. */
function isClassifier({ architectures }: HuggingFaceDescription, tensors: TensorShapes): boolean {
  const [name] = architectures;
  if (name === CLASSIFIER || name === BASE) return name === CLASSIFIER;
  if (name === undefined) return tensors.has("classifier.weight");
  throw new VitreousError(
    `${name} is not supported, only ${CLASSIFIER} and ${BASE}: it gives neither classes nor pooled features.`,
  );
}

/** Module paths, those of files and those that a model has in memory since transformers 5. */
interface Names {
  readonly block: (index: number) => BlockNames;
  readonly table: (index: number) => string;
  readonly sharedTable: string;
}

function namesOf(
  prefix: string,
  tensors: TensorShapes,
  { hidden_act, layer_scale_init_value }: Config,
): Names {
  const scaled = layer_scale_init_value > 0;
  const act = activationNamed(hidden_act);
  const common = (scope: string) => ({
    scope,
    norm1: `${scope}.layernorm_before`,
    norm2: `${scope}.layernorm_after`,
    ...(scaled ? { scale1: `${scope}.lambda_1`, scale2: `${scope}.lambda_2` } : {}),
  });
  if (tensors.has(`${prefix}layers.0.layernorm_before.weight`)) {
    const table = "relative_position_bias_table";
    return {
      block: (index) => {
        const scope = `${prefix}layers.${index}`;
        const inner = `${scope}.attention`;
        return {
          ...common(scope),
          attention: {
            scope: inner,
            qkv: [`${inner}.q_proj`, `${inner}.k_proj`, `${inner}.v_proj`],
            proj: `${inner}.o_proj`,
          },
          feed: {
            fc1: `${scope}.mlp.fc1`,
            act: `${scope}.mlp.activation_fn`,
            activation: act,
            fc2: `${scope}.mlp.fc2`,
          },
        };
      },
      table: (index) => `${prefix}layers.${index}.relative_position_bias.${table}`,
      sharedTable: `${prefix}shared_position_bias.${table}`,
    };
  }
  const table = "relative_position_bias.relative_position_bias_table";
  return {
    block: (index) => {
      const scope = `${prefix}encoder.layer.${index}`;
      const inner = `${scope}.attention.attention`;
      return {
        ...common(scope),
        attention: {
          scope: inner,
          qkv: [`${inner}.query`, `${inner}.key`, `${inner}.value`],
          proj: `${scope}.attention.output.dense`,
        },
        feed: {
          fc1: `${scope}.intermediate.dense`,
          act: `${scope}.intermediate.intermediate_act_fn`,
          activation: act,
          fc2: `${scope}.output.dense`,
        },
      };
    },
    table: (index) => `${prefix}encoder.layer.${index}.attention.attention.${table}`,
    sharedTable: `${prefix}encoder.${table}`,
  };
}

/** As `interpolate_pos_encoding` takes it: an embedding is for a square of patches unless it fits as it is. */
function positionsOf(name: string, made: Size, image: Size, grid: Size): Positions {
  const count = made[0] * made[1];
  const fits = count === grid[0] * grid[1] && image[0] === image[1];
  const side = Math.floor(Math.sqrt(count));
  if (!fits && side * side !== count) {
    throw new VitreousError(
      `The position embedding is for ${made.join("×")} patches; transformers interpolates only those of a square.`,
    );
  }
  return { name, grid: fits ? grid : [side, side], interpolation: "bicubic" };
}

function plan(description: Description, tensors: TensorShapes, options: PlanOptions): Plan {
  if (description.library !== "hugging-face") throw new RangeError("only Hugging Face's are accepted");
  const config = readFields(description, schema);
  const { patch_size: patch, image_size, hidden_size: dim, num_attention_heads: heads } = config;
  if (patch[0] !== patch[1])
    throw new VitreousError(`config.json: BEiT's patches are square, not ${patch.join("×")}.`);
  if (dim % heads !== 0)
    throw new VitreousError(
      `config.json: hidden_size ${dim} is no multiple of num_attention_heads ${heads}.`,
    );
  const classify = isClassifier(description, tensors);
  const classes = classify ? classesOf(description) : 0;
  const image = options.image ?? options.prepared ?? image_size;
  const [made, grid] = [gridOf(image_size, patch), gridOf(image, patch)];
  if (grid[0] * grid[1] === 0)
    throw new VitreousError(`Images of ${image.join("×")} are smaller than a patch of ${patch.join("×")}.`);
  const prefix = tensors.has("beit.embeddings.cls_token") ? "beit." : "";
  const names = namesOf(prefix, tensors, config);
  const embeddings = `${prefix}embeddings`;
  const prefixTokens = [{ name: `${embeddings}.cls_token`, count: 1, positioned: true }];
  const ownHead: VitHead = {
    pooling: config.use_mean_pooling ? { kind: "mean", from: 1 } : { kind: "token" },
    scope: `${prefix}pooler`,
    fcNorm: config.use_mean_pooling ? `${prefix}pooler.layernorm` : undefined,
    classifiers: classify ? ["classifier"] : [],
    classes,
  };
  const head = withFeatures(ownHead, options.features, prefixTokens);
  const vit: Vit = {
    dim,
    depth: config.num_hidden_layers,
    heads,
    hidden: config.intermediate_size,
    channels: config.num_channels,
    image,
    patch,
    epsilon: config.layer_norm_eps,
    patches: `${embeddings}.patch_embeddings.projection`,
    prefix: prefixTokens,
    ...(config.use_absolute_position_embeddings
      ? { positions: positionsOf(`${embeddings}.position_embeddings`, made, image, grid) }
      : {}),
    block: names.block,
    norm: config.use_mean_pooling ? undefined : `${prefix}layernorm`,
    head,
  };
  const shape = { made, grid, heads, resizing: resizingOfTransformers };
  const write = (plain: Site, pixels: string): string => {
    const site = withBiases(plain, (module) => !/\.(k_proj|key)$/.test(module));
    const { weights } = site;
    weights.leave(
      (name) =>
        name.endsWith(".relative_position_index") ||
        (config.use_mask_token && name === `${embeddings}.mask_token`),
    );
    const shared = config.use_shared_relative_position_bias ? [names.sharedTable] : [];
    const all = shared.length > 0 ? relativePositionBias(site, shared, shape) : undefined;
    const attend = (index: number) => ({
      bias: config.use_relative_position_bias
        ? relativePositionBias(site, [names.table(index), ...shared], shape)
        : all,
    });
    return writeVit(site, pixels, { ...vit, attend });
  };
  return { input: [config.num_channels, ...image], classes: head.classes, write };
}

export const huggingFaceBeit: Architecture = {
  name: "Hugging Face's BEiT (beit)",
  accepts: (description) => description.library === "hugging-face" && description.modelType === "beit",
  plan,
  recognise: recogniseBeit,
};

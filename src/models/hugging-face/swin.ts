/**
 * @file Hugging Face's Swin and Swin V2 from their checkpoints: the classifiers, and the models without one as feature
 * extractors. Both run images of any size; they differ in when they settle their windows.
 *
 * Source: transformers, models/swin/modeling_swin.py and models/swinv2/modeling_swinv2.py.
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import type { Architecture, Plan, PlanOptions, Size } from "../architecture.js";
import type { Description } from "../description.js";
import { gradientOfPositions, interpolatePositions } from "../positions.js";
import { addTo } from "../rearrange.js";
import type { TensorShapes } from "../stored-tensor.js";
import { type Swin, swin, swinHead } from "../swin.js";
import { type SwinBlockNames, swinStages } from "../swin-stages.js";
import { continuousBias, learnedBias, type PositionBias } from "../window-bias.js";
import type { Windows } from "../windows.js";
import { activationNamed } from "./activation.js";
import type { HuggingFaceDescription } from "./config.js";
import { classesOf, pairField, positiveInt, readFields } from "./fields.js";
import { recogniseSwin } from "./swin-recognise.js";

/** The window before fine-tuning, 0 for none; transformers divides by it less one. */
const trainedWindow = z
  .int()
  .nonnegative()
  .refine((n) => n !== 1, "must not be 1");

/** SwinConfig and Swinv2Config, with their defaults. */
const schema = z.looseObject({
  image_size: pairField.default([224, 224]),
  patch_size: pairField.default([4, 4]),
  num_channels: positiveInt.default(3),
  embed_dim: positiveInt.default(96),
  depths: z.array(positiveInt).min(1).default([2, 2, 6, 2]),
  num_heads: z.array(positiveInt).default([3, 6, 12, 24]),
  window_size: positiveInt.default(7),
  pretrained_window_sizes: z
    .array(z.union([trainedWindow, z.tuple([trainedWindow, trainedWindow])]))
    .nullish(),
  mlp_ratio: z.number().positive().default(4),
  qkv_bias: z.boolean().default(true),
  hidden_act: z.string().default("gelu"),
  use_absolute_embeddings: z.boolean().default(false),
  layer_norm_eps: z.number().positive().default(1e-5),
});

type Config = z.output<typeof schema>;

/** torch.nn.LayerNorm's own. */
const OUTER_EPSILON = 1e-5;
/** Buffers that follow from sizes; what masked pre-training adds. */
const UNUSED = /\.(relative_position_index|relative_coords_table)$|^decoder\.|embeddings\.mask_token$/;
const CLASSIFIER = /^Swin(v2)?ForImageClassification$/;
const OTHERS = /^Swin(v2)?(Model|ForMaskedImageModeling)$/;

const isSecond = ({ modelType }: HuggingFaceDescription): boolean => modelType === "swinv2";

function isClassifier({ architectures }: HuggingFaceDescription, tensors: TensorShapes): boolean {
  const [name] = architectures;
  if (name === undefined) return tensors.has("classifier.weight");
  if (CLASSIFIER.test(name) || OTHERS.test(name)) return CLASSIFIER.test(name);
  throw new VitreousError(
    `${name} is not supported: it gives neither classes nor pooled features. Those that do: SwinForImageClassification, SwinModel, SwinForMaskedImageModeling, and the same of Swinv2.`,
  );
}

/** Settled by the image: one no larger than the window on its shorter side is not shifted (`set_shift_and_window_size`). */
function firstWindows(grid: Size, { window_size: window }: Config, shifted: boolean): Windows {
  const shorter = Math.min(...grid);
  if (shorter < window) {
    throw new VitreousError(
      `transformers' Swin cannot run a grid of ${grid.join("×")} tokens with windows of ${window}×${window}: its position biases are for whole windows. Give larger images.`,
    );
  }
  const shift = shifted && shorter > window ? Math.floor(window / 2) : 0;
  return { grid, window: [window, window], shift: [shift, shift], rollsFirst: false };
}

/** Settled by the configuration's image size, whatever the image's is, and by rows alone (`_compute_window_shift`). */
function secondWindows(grid: Size, rows: number, { window_size }: Config, shifted: boolean): Windows {
  const window = Math.min(rows, window_size);
  if (window === 0) {
    throw new VitreousError(
      "config.json: the image is too small for so many stages; windows would be empty.",
    );
  }
  const shift = shifted && rows > window ? Math.floor(window_size / 2) : 0;
  return { grid, window: [window, window], shift: [shift, shift], rollsFirst: false };
}

/** Module paths, those of files and those that a first Swin has in memory since transformers 5. */
function blockNames(
  scope: string,
  { qkv_bias: biased }: Config,
  second: boolean,
  tensors: TensorShapes,
): SwinBlockNames {
  const inMemory = tensors.has(`${scope}.attention.q_proj.weight`);
  const attention = inMemory ? `${scope}.attention` : `${scope}.attention.self`;
  const modules = inMemory ? ["q_proj", "k_proj", "v_proj"] : ["query", "key", "value"];
  const [query, key, value] = modules.map((module) => `${attention}.${module}.bias`);
  return {
    scope,
    norm1: `${scope}.layernorm_before`,
    norm2: `${scope}.layernorm_after`,
    attention: {
      scope: attention,
      qkv: modules.map((module) => `${attention}.${module}.weight`),
      qkvBias: biased
        ? (weights, length) => weights.takeJoined([query, second ? undefined : key, value], length / 3)
        : undefined,
      proj: inMemory ? `${attention}.o_proj` : `${scope}.attention.output.dense`,
      logitScale: second ? `${attention}.logit_scale` : undefined,
    },
    mlp: inMemory
      ? { fc1: `${scope}.mlp.fc1`, act: `${scope}.mlp.activation_fn`, fc2: `${scope}.mlp.fc2` }
      : {
          fc1: `${scope}.intermediate.dense`,
          act: `${scope}.intermediate.intermediate_act_fn`,
          fc2: `${scope}.output.dense`,
        },
  };
}

/** Absolute position embeddings, interpolated to another grid (`interpolate_pos_encoding`). */
function positionsOf(
  name: string,
  { use_absolute_embeddings, image_size, patch_size, embed_dim: dim }: Config,
  grid: Size,
  second: boolean,
): Swin["positions"] {
  if (!use_absolute_embeddings) return undefined;
  if (second) {
    throw new VitreousError(
      "config.json: use_absolute_embeddings is not supported: transformers' Swin V2 has one embedding more than patches and cannot run with them.",
    );
  }
  const made = image_size.map((side, axis) => Math.floor(side / (patch_size[axis] ?? 1)));
  const count = (made[0] ?? 0) * (made[1] ?? 0);
  const part = { name, dims: [1, count, dim] };
  if (made.join() === grid.join()) return { scope: name, make: (weights) => weights.take(name, part.dims) };
  const side = Math.sqrt(count);
  if (!Number.isInteger(side)) {
    throw new VitreousError(
      `The position embeddings are for ${made.join("×")} patches; transformers interpolates only those of a square.`,
    );
  }
  return {
    scope: name,
    make: (weights) =>
      weights.derive(
        [part],
        [1, grid[0] * grid[1], dim],
        ([values = new Float32Array()], out) => {
          out.set(interpolatePositions(values, [side, side], grid, dim, "bicubic"));
        },
        (out, [to]) => {
          if (to) addTo(to, gradientOfPositions(out, [side, side], grid, dim, "bicubic"), 0);
        },
      ),
  };
}

function plan(description: Description, tensors: TensorShapes, options: PlanOptions): Plan {
  if (description.library !== "hugging-face") throw new RangeError("only Hugging Face's are accepted");
  const config = readFields(description, schema);
  const second = isSecond(description);
  const { patch_size: patch, image_size, embed_dim: dim, pretrained_window_sizes } = config;
  const classes = isClassifier(description, tensors) ? classesOf(description) : 0;
  const image = options.image ?? options.prepared ?? image_size;
  const [height, width] = image.map((side, axis) => Math.ceil(side / (patch[axis] ?? 1)));
  const grid: Size = [height ?? 0, width ?? 0];
  const model = description.modelType;
  const prefix = tensors.has(`${model}.embeddings.norm.weight`) ? `${model}.` : "";
  const head = swinHead(`${prefix}pooler`, "classifier", classes, options.features);
  const embeddings = `${prefix}embeddings`;
  const stage = (index: number): string => `${prefix}encoder.layers.${index}`;
  const rows = Math.floor(image_size[0] / patch[0]);
  const windowsOf = (index: number, block: number, now: Size): Windows =>
    second
      ? secondWindows(now, Math.floor(rows / 2 ** index), config, block % 2 === 1)
      : firstWindows(now, config, block % 2 === 1);
  const cut = config.depths.some((_, index) => Math.floor(rows / 2 ** index) <= config.window_size);
  const kept = second && cut && image.join() !== image_size.join();
  const layout = {
    grid,
    embedDim: dim,
    depths: config.depths,
    heads: config.num_heads,
    mlpRatios: config.depths.map(() => config.mlp_ratio),
    // Swin V2's code adds its mask of −100 twice.
    masked: second ? -200 : -100,
    windows: windowsOf,
    names: (index: number, block: number) =>
      blockNames(`${stage(index)}.blocks.${block}`, config, second, tensors),
    bias: (scope: string, index: number, { window }: Windows, heads: number): PositionBias => {
      const table = "relative_position_bias_table";
      const inMemory = `${scope}.relative_position_bias.${table}`;
      if (!second) {
        return learnedBias(tensors.has(inMemory) ? inMemory : `${scope}.${table}`, window, heads);
      }
      const given = pretrained_window_sizes?.[index] ?? 0;
      const trained: Size = typeof given === "number" ? [given, given] : given;
      const mlp = `${scope}.continuous_position_bias_mlp`;
      return continuousBias(mlp, window, trained[0] > 0 ? trained : window, heads);
    },
    merging: (index: number) => ({
      norm: `${stage(index)}.downsample.norm`,
      reduction: `${stage(index)}.downsample.reduction`,
    }),
  };
  const graph: Swin = {
    postNorm: second,
    channels: config.num_channels,
    patch,
    padding: [grid[0] * patch[0] - image[0], grid[1] * patch[1] - image[1]],
    patchEmbed: { proj: `${embeddings}.patch_embeddings.projection`, norm: `${embeddings}.norm` },
    positions: positionsOf(`${embeddings}.position_embeddings`, config, grid, second),
    stages: swinStages(layout),
    norm: `${prefix}layernorm`,
    head,
    act: activationNamed(config.hidden_act),
    epsilon: config.layer_norm_eps,
    outerEpsilon: OUTER_EPSILON,
  };
  return {
    input: [config.num_channels, ...image],
    classes: head.classes,
    write: (site, pixels) => {
      site.weights.leave((name) => UNUSED.test(name));
      return swin(site, graph, pixels);
    },
    network: { kind: "swin", swin: graph },
    notes: kept
      ? [`windows stay those of the configuration's ${image_size.join("×")}, as transformers keeps them`]
      : [],
  };
}

export const huggingFaceSwin: Architecture = {
  name: "Hugging Face's Swin and Swin V2 (swin, swinv2)",
  accepts: (description) =>
    description.library === "hugging-face" && ["swin", "swinv2"].includes(description.modelType),
  plan,
  recognise: recogniseSwin,
};

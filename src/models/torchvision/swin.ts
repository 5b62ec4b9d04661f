/**
 * @file torchvision's Swin and Swin V2 from their state dicts.
 *
 * Source: torchvision.models.swin_transformer.
 */
import { z } from "zod";
import { resizedTo, sizingInWords, torchvisionPreprocessing } from "../../imaging/preprocessing.js";
import { VitreousError } from "../../onnx/errors.js";
import type { Architecture, Plan, PlanOptions, Size } from "../architecture.js";
import type { Description } from "../description.js";
import type { TensorShapes } from "../stored-tensor.js";
import { type Swin, swin, swinHead } from "../swin.js";
import { type SwinBlockNames, swinStages } from "../swin-stages.js";
import { continuousBias, learnedBias, type PositionBias } from "../window-bias.js";
import type { Windows } from "../windows.js";
import { swinPreset } from "./swin-presets.js";
import { recogniseSwin } from "./swin-recognise.js";

const size = z.int().positive();
const rate = z.number().optional();

/** Arguments of torchvision's SwinTransformer, and the size of the images, which it does not fix. */
const schema = z.strictObject({
  image_size: z.tuple([size, size]).optional(),
  patch_size: z.tuple([size, size]).default([4, 4]),
  embed_dim: size,
  depths: z.array(size).min(1),
  num_heads: z.array(size),
  window_size: z.tuple([size, size]),
  mlp_ratio: z.number().positive().default(4),
  num_classes: z.int().nonnegative().default(1000),
  // These act in training only.
  dropout: rate,
  attention_dropout: rate,
  stochastic_depth_prob: rate,
});

const EPSILON = 1e-5;
const MASKED = -100;

/** The grid is padded to whole windows; an axis of one window is not shifted (`shifted_window_attention`). */
function windowsOn(grid: Size, window: Size, shifted: boolean): Windows {
  const shift = (axis: 0 | 1): number =>
    shifted && grid[axis] > window[axis] ? Math.floor(window[axis] / 2) : 0;
  return { grid, window, shift: [shift(0), shift(1)], rollsFirst: false };
}

function blockNames(scope: string, second: boolean): SwinBlockNames {
  const attention = `${scope}.attn`;
  const bias = `${attention}.qkv.bias`;
  return {
    scope,
    norm1: `${scope}.norm1`,
    norm2: `${scope}.norm2`,
    attention: {
      scope: attention,
      qkv: [`${attention}.qkv.weight`],
      qkvBias: (weights, length) => {
        if (!second) return weights.take(bias, [length]);
        // The keys' part is zeroed on every run, whatever is stored.
        return weights.derive(
          [{ name: bias, dims: [length] }],
          [length],
          ([values = []], out) => {
            out.set(values);
            out.fill(0, length / 3, (2 * length) / 3);
          },
          (out, [part]) => {
            const isKey = (i: number): boolean => i >= length / 3 && i < (2 * length) / 3;
            for (let i = 0; part !== undefined && i < length; i++) {
              if (!isKey(i)) part[i] = (part[i] ?? 0) + (out[i] ?? 0);
            }
          },
        );
      },
      proj: `${attention}.proj`,
      logitScale: second ? `${attention}.logit_scale` : undefined,
    },
    mlp: { fc1: `${scope}.mlp.0`, act: `${scope}.mlp.1`, fc2: `${scope}.mlp.3` },
  };
}

function plan(description: Description, _tensors: TensorShapes, options: PlanOptions): Plan {
  if (description.library !== "torchvision") throw new RangeError("only torchvision's are accepted");
  const { architecture } = description;
  const preset = swinPreset(architecture);
  const { resize, crop, ...defaults } = preset ?? { resize: undefined, crop: undefined };
  const result = schema.safeParse({ ...defaults, ...description.args });
  if (!result.success) {
    const problems = result.error.issues.map((i) => `${i.path.join(".") || "arguments"}: ${i.message}`);
    throw new VitreousError(`${architecture}: ${problems.join("; ")}.`);
  }
  const args = result.data;
  const second = architecture.includes("_v2_");
  const usual: Size | undefined = crop === undefined ? undefined : [crop, crop];
  const image = options.image ?? args.image_size ?? options.prepared ?? usual;
  if (image === undefined) throw new VitreousError(`${architecture}: the size of the images is not known.`);
  const patch = args.patch_size;
  const grid: Size = [Math.floor(image[0] / patch[0]), Math.floor(image[1] / patch[1])];
  if (Math.min(...grid) < 1) {
    throw new VitreousError(`Images of ${image.join("×")} are smaller than a patch of ${patch.join("×")}.`);
  }
  const layout = {
    grid,
    embedDim: args.embed_dim,
    depths: args.depths,
    heads: args.num_heads,
    mlpRatios: args.depths.map(() => args.mlp_ratio),
    masked: MASKED,
    windows: (_stage: number, block: number, now: Size) => windowsOn(now, args.window_size, block % 2 === 1),
    names: (stage: number, block: number) => blockNames(`features.${2 * stage + 1}.${block}`, second),
    bias: (scope: string, _stage: number, { window }: Windows, heads: number): PositionBias =>
      second
        ? continuousBias(`${scope}.cpb_mlp`, window, window, heads)
        : learnedBias(`${scope}.relative_position_bias_table`, window, heads),
    merging: (stage: number) => ({
      norm: `features.${2 * stage + 2}.norm`,
      reduction: `features.${2 * stage + 2}.reduction`,
    }),
  };
  const head = swinHead("avgpool", "head", args.num_classes, options.features);
  const model: Swin = {
    postNorm: second,
    channels: 3,
    patch,
    padding: [0, 0],
    patchEmbed: { proj: "features.0.0", norm: "features.0.2" },
    positions: undefined,
    stages: swinStages(layout),
    norm: "norm",
    head,
    act: "gelu",
    epsilon: EPSILON,
    outerEpsilon: EPSILON,
  };
  return {
    input: [3, ...image],
    classes: head.classes,
    write: (site, pixels) => {
      site.weights.leave((name) => /\.(relative_position_index|relative_coords_table)$/.test(name));
      return swin(site, model, pixels);
    },
    network: { kind: "swin", swin: model },
    ...(resize !== undefined && crop !== undefined ? preparation(architecture, resize, crop, image) : {}),
  };
}

/** The evaluation transform of the default weights, scaled where the images are of another size. */
function preparation(
  name: string,
  resize: number,
  crop: number,
  image: Size,
): Pick<Plan, "preprocessing" | "notes"> {
  const own = torchvisionPreprocessing(resize, crop, "bicubic");
  const scaled = image[0] === crop && image[1] === crop ? undefined : resizedTo(own, image);
  if (scaled === undefined) return { preprocessing: own };
  return {
    preprocessing: scaled,
    notes: [
      `pictures are prepared as for ${name}'s default weights, scaled to this size: ${sizingInWords(scaled)}`,
    ],
  };
}

export const torchvisionSwin: Architecture = {
  name: "torchvision's Swin and Swin V2 (swin_t, swin_v2_b, …)",
  accepts: (description) =>
    description.library === "torchvision" && swinPreset(description.architecture) !== undefined,
  plan,
  recognise: recogniseSwin,
};

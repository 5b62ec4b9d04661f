/**
 * @file torchvision's VisionTransformer from its state dict: vit_b_16 to vit_h_14, and models of its class with other
 * sizes.
 *
 * Source: torchvision.models.vision_transformer.
 */
import { z } from "zod";
import { type Preprocessing, torchvisionPreprocessing } from "../../imaging/preprocessing.js";
import { VitreousError } from "../../onnx/errors.js";
import type { Architecture, Plan, PlanOptions, Size } from "../architecture.js";
import type { Description } from "../description.js";
import { withBiases } from "../layers.js";
import { renamed } from "../renamed.js";
import type { TensorShapes } from "../stored-tensor.js";
import { type BlockNames, gridOf, type Vit, type VitHead, withFeatures, writeVit } from "../vit.js";
import { PRESETS, type Preset, presetOf, type Transform } from "./vit-presets.js";
import { classifierIn, recogniseVit } from "./vit-recognise.js";

const size = z.int().positive();

/** Arguments of torchvision's VisionTransformer; what acts in training only is not among them. */
const schema = z.strictObject({
  image_size: size,
  patch_size: size,
  num_layers: size,
  num_heads: size,
  hidden_dim: size,
  mlp_dim: size,
  num_classes: z.int().nonnegative(),
  representation_size: size.optional(),
});

/** Of every norm: the class's default, which its functions keep. */
const EPSILON = 1e-6;

const POSITIONS = "encoder.pos_embedding";

function blockNames(index: number): BlockNames {
  const scope = `encoder.layers.encoder_layer_${index}`;
  const inner = `${scope}.self_attention`;
  return {
    scope,
    norm1: `${scope}.ln_1`,
    attention: { scope: inner, qkv: `${inner}.in_proj`, proj: `${inner}.out_proj` },
    norm2: `${scope}.ln_2`,
    feed: {
      fc1: `${scope}.mlp.0`,
      act: `${scope}.mlp.1`,
      activation: "gelu",
      fc2: `${scope}.mlp.3`,
    },
  };
}

/** Under which name a tensor is stored: MultiheadAttention has no module for its joint projection; files before 0.13 have other names in the MLP. */
const storedName =
  (tensors: TensorShapes) =>
  (name: string): string => {
    const own = name.replace(/\.in_proj\.(weight|bias)$/, ".in_proj_$1");
    if (tensors.has(own)) return own;
    const old = own.replace(/\.mlp\.0\./, ".mlp.linear_1.").replace(/\.mlp\.3\./, ".mlp.linear_2.");
    return tensors.has(old) ? old : own;
  };

/** torchvision's evaluation transform for images of `side`: that of the weights of this size, or else scaled. */
function transformFor(
  preset: Preset,
  side: number,
): { readonly transform: Transform; readonly scaled: boolean } {
  const own = preset.transforms.find(({ crop }) => crop === side);
  if (own !== undefined) return { transform: own, scaled: false };
  const [first] = preset.transforms;
  const resize = Math.round((first.resize * side) / first.crop);
  return { transform: { ...first, resize, crop: side }, scaled: true };
}

function preparation(name: string, preset: Preset, side: number): { record: Preprocessing; note: string } {
  const { transform, scaled } = transformFor(preset, side);
  const { resize, crop, interpolation } = transform;
  const whose = scaled ? `${name}'s default weights, scaled to this size` : `${name}'s weights of this size`;
  return {
    record: torchvisionPreprocessing(resize, crop, interpolation),
    note: `Pictures are prepared as for ${whose}: shorter side to ${resize} (${interpolation}), centre ${crop}×${crop}, ImageNet's mean and std.`,
  };
}

function headOf(
  { num_classes, representation_size }: z.output<typeof schema>,
  tensors: TensorShapes,
): VitHead {
  const classifier = classifierIn(tensors);
  const base = { scope: "pool", pooling: { kind: "token" } } as const;
  if (classifier === undefined) return { ...base, classifiers: [], classes: 0 };
  return {
    ...base,
    classifiers: [classifier],
    classes: num_classes,
    preLogits:
      representation_size === undefined
        ? undefined
        : { linear: "heads.pre_logits", act: "heads.act", width: representation_size },
  };
}

/** The size that is asked for, which torchvision wants square and of whole patches. */
function sideOf(asked: Size | undefined, own: number, patch: number): number {
  const [height, width] = asked ?? [own, own];
  if (height !== width)
    throw new VitreousError(`torchvision's ViT takes square images only, not ${height}×${width}.`);
  if (height % patch !== 0)
    throw new VitreousError(
      `torchvision's ViT takes images of whole patches only: ${height} is no multiple of ${patch}.`,
    );
  return height;
}

function plan(description: Description, tensors: TensorShapes, options: PlanOptions): Plan {
  if (description.library !== "torchvision") throw new RangeError("only torchvision's are accepted");
  const { architecture } = description;
  const preset = presetOf(architecture);
  const result = schema.safeParse(description.args);
  if (!result.success || preset === undefined) {
    const problems = result.error?.issues.map((i) => `${i.path.join(".")}: ${i.message}`) ?? [];
    throw new VitreousError(`${architecture}: ${problems.join("; ")}.`);
  }
  const args = result.data;
  const { patch_size: patch, hidden_dim: dim } = args;
  if (dim % args.num_heads !== 0)
    throw new VitreousError(
      `hidden_dim ${dim} is no multiple of num_heads ${args.num_heads}: give --arch ${architecture}:num_heads=N.`,
    );
  const side = sideOf(options.image, args.image_size, patch);
  const trained = Math.round(Math.sqrt((tensors.get(POSITIONS)?.dims[1] ?? 1) - 1));
  const channels = tensors.get("conv_proj.weight")?.dims[1] ?? 3;
  const prefix = [{ name: "class_token", count: 1, positioned: true }];
  const head = withFeatures(headOf(args, tensors), options.features, prefix);
  const vit: Vit = {
    dim,
    depth: args.num_layers,
    heads: args.num_heads,
    hidden: args.mlp_dim,
    channels,
    image: [side, side],
    patch: [patch, patch],
    epsilon: EPSILON,
    patches: "conv_proj",
    prefix,
    positions: { name: POSITIONS, grid: [trained, trained], interpolation: "bicubic-align-corners" },
    block: blockNames,
    norm: "encoder.ln",
    head,
  };
  const stored = storedName(tensors);
  const [grid] = gridOf(vit.image, vit.patch);
  const prepared = channels === 3 ? preparation(architecture, preset, side) : undefined;
  const resized =
    grid === trained
      ? []
      : [`Position embeddings for ${trained}×${trained} patches were interpolated to ${grid}×${grid}.`];
  return {
    input: [channels, side, side],
    classes: head.classes,
    write: (site, pixels) => {
      const demanding = withBiases(site, () => true);
      return writeVit(renamed(demanding, stored), pixels, vit);
    },
    network: { kind: "vit", vit, stored },
    ...(prepared === undefined ? {} : { preprocessing: prepared.record }),
    notes: [...resized, ...(prepared === undefined || options.prepared !== undefined ? [] : [prepared.note])],
  };
}

export const torchvisionVit: Architecture = {
  name: `torchvision's ViT (${Object.keys(PRESETS).join(", ")})`,
  accepts: (description) =>
    description.library === "torchvision" && presetOf(description.architecture) !== undefined,
  plan,
  recognise: recogniseVit,
};

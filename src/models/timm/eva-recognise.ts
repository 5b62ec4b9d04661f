/**
 * @file A bare state dict of timm's Eva, or of those whose names timm converts to Eva's: what its shapes say. They say nothing of
 * rotary positions, so that the architecture must be named; only Meta's DINOv3 files are known by their tensors.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Spec } from "../../spec.js";
import type { Recognised } from "../architecture.js";
import { argumentsOf } from "../argument.js";
import { inferredFrom, type Stated, valuesOf } from "../stated.js";
import type { TensorShapes } from "../stored-tensor.js";
import { splitName, type TimmArchitecture, timmArchitecture } from "./architectures.js";
import { evaShapes, isMetas } from "./eva-names.js";
import { modelShapes } from "./recognised.js";

/** Tensors that timm's VisionTransformer has not. */
const OWN = ["attn.q_bias", "attn.q_proj.weight", "mlp.fc1_g.weight", "gamma_1"].map(
  (name) => `blocks.0.${name}`,
);

const TABLE = /relative_position_bias_table$/;

/** Meta's DINOv3 by its width; the rest is read from shapes. */
const METAS: ReadonlyMap<number, string> = new Map([
  [384, "vit_small_patch16_dinov3_qkvb"],
  [768, "vit_base_patch16_dinov3_qkvb"],
  [1024, "vit_large_patch16_dinov3_qkvb"],
  [1280, "vit_huge_plus_patch16_dinov3_qkvb"],
]);
const META_OTHERWISE = "vit_7b_patch16_dinov3";

function fits(tensors: TensorShapes, named: TimmArchitecture | undefined): boolean {
  const has = (name: string): boolean => tensors.has(name);
  const trunk =
    has("blocks.0.norm1.weight") &&
    (has("blocks.0.attn.qkv.weight") || has("blocks.0.attn.q_proj.weight")) &&
    tensors.get("patch_embed.proj.weight")?.dims.length === 4 &&
    ![...tensors.keys()].some((name) => TABLE.test(name));
  return trunk && (named?.class === "Eva" || has("rope.freqs") || OWN.some(has));
}

/** The MLP: its kind, and the ratio that gives as many hidden features as the tensors have. */
function feedArguments(
  shapes: TensorShapes,
  dim: number,
  usual: Readonly<Record<string, unknown>>,
): Stated[] {
  const rows = (name: string, axis = 0): number => shapes.get(`blocks.0.mlp.${name}.weight`)?.dims[axis] ?? 0;
  const hidden = rows("fc2", 1);
  const apart = shapes.has("blocks.0.mlp.fc1_g.weight");
  const gated = apart || rows("fc1") === 2 * hidden;
  const scaled = shapes.has("blocks.0.mlp.norm.weight");
  const from = "the shapes of blocks.0.mlp";
  const align = apart && !scaled ? [1] : [];
  const given = [Number(usual.mlp_ratio ?? 4), hidden / dim, (hidden + 0.5) / dim];
  const ratio = given.find((ratio) => Math.trunc(dim * ratio) === hidden) ?? hidden / dim;
  return [
    ["swiglu_mlp", gated, from],
    ["scale_mlp", scaled, from],
    ["swiglu_align_to", align[0] ?? 0, from],
    ["mlp_ratio", ratio, from],
  ];
}

function attentionArguments(shapes: TensorShapes, tensors: TensorShapes, dim: number): Stated[] {
  const has = (name: string): boolean => shapes.has(`blocks.0.attn.${name}`);
  const from = "the names of blocks.0.attn";
  const biased = ["q_bias", "q_proj.bias", "qkv.bias"].some(has);
  const periods = tensors.get("rope_embed.periods")?.dims[0];
  const norm = shapes.get("blocks.0.attn.q_norm.weight")?.dims[0];
  const heads = shapes.get("rope.freqs")?.dims[2];
  const counted: Stated[] = [
    ...(heads === undefined ? [] : [["num_heads", heads, "the shape of rope.freqs"] as const]),
    ...(norm === undefined
      ? []
      : [["num_heads", dim / norm, "the shape of blocks.0.attn.q_norm.weight"] as const]),
    ...(periods === undefined
      ? []
      : [["num_heads", dim / (4 * periods), "the shape of rope_embed.periods"] as const]),
  ];
  return [
    ...counted.slice(0, 1),
    ["qkv_fused", has("qkv.weight"), from],
    ["qkv_bias", biased, from],
    ["qk_norm", has("q_norm.weight"), from],
    ["scale_attn_inner", has("norm.weight"), from],
  ];
}

function outerArguments(shapes: TensorShapes): Stated[] {
  const has = (name: string): boolean => shapes.has(name);
  const named = (...names: readonly string[]): string => `the names of tensors (${names.join(", ")})`;
  const scaled = has("blocks.0.gamma_1");
  return [
    ["init_values", scaled ? 1 : null, named("gamma_1")],
    ["attn_only_layer_scale", scaled && !has("blocks.0.gamma_2"), named("gamma_2")],
    ["class_token", has("cls_token"), named("cls_token")],
    ["num_reg_tokens", shapes.get("reg_token")?.dims[1] ?? 0, named("reg_token")],
    ["use_abs_pos_emb", has("pos_embed"), named("pos_embed")],
    ["use_pre_transformer_norm", has("norm_pre.weight"), named("norm_pre")],
    ["use_post_transformer_norm", has("norm.weight"), named("norm")],
    ["use_fc_norm", has("fc_norm.weight"), named("fc_norm")],
  ];
}

/** The size of images: given, that of a square of positions, or the architecture's. */
function imageArguments(
  shapes: TensorShapes,
  patch: readonly number[],
  prefix: number,
  entry: TimmArchitecture,
  name: string,
): Stated {
  const patches = (shapes.get("pos_embed")?.dims[1] ?? 0) - (entry.args.no_embed_class === true ? 0 : prefix);
  const side = Math.round(Math.sqrt(Math.max(patches, 0)));
  if (side > 0 && side * side === patches) {
    return [
      "img_size",
      patch.map((length) => length * side),
      "the shape of pos_embed, taken as a square grid",
    ];
  }
  const [, ...size] = entry.pretrained.input_size ?? [3, 224, 224];
  return ["img_size", entry.args.img_size ?? size, name];
}

/** See `Architecture.recognise`. */
export function recogniseEva(tensors: TensorShapes, arch: Spec | undefined): Recognised | undefined {
  const shapes = evaShapes(tensors);
  const asked = arch && timmArchitecture(arch.name);
  const metas = isMetas(tensors);
  if (!fits(shapes, asked) || asked?.class === "Beit") return undefined;
  const { dim, stated } = modelShapes(shapes);
  if (asked?.class !== "Eva" && (arch !== undefined || !metas)) {
    const problem = arch === undefined ? "" : `"${arch.name}" is none of its names, and `;
    throw new VitreousError(
      `these are the tensors of timm's Eva (width ${dim}): EVA, DINOv3 or a ViT with rotary positions, but ${problem}tensors do not say which. Give --arch with timm's name of the architecture, as in --arch vit_small_patch16_dinov3 or --arch eva02_base_patch14_224:num_heads=12.`,
    );
  }
  const name = splitName(arch?.name ?? METAS.get(dim) ?? META_OTHERWISE).architecture;
  const entry = timmArchitecture(name);
  if (entry === undefined) throw new RangeError(`timm has no ${name}`);
  const outer = outerArguments(shapes);
  const value = (key: string): unknown => outer.find(([other]) => other === key)?.[1];
  const prefix = (value("class_token") === true ? 1 : 0) + Number(value("num_reg_tokens"));
  const patch = shapes.get("patch_embed.proj.weight")?.dims.slice(2) ?? [];
  const found: Stated[] = [
    ["num_heads", entry.args.num_heads ?? 12, name],
    arch === undefined
      ? ["global_pool", "token", "Meta's own models"]
      : ["global_pool", entry.args.global_pool ?? "avg", name],
    ...stated,
    ...attentionArguments(shapes, tensors, dim).filter(
      ([key]) => !(metas && arch !== undefined && key === "qkv_bias"),
    ),
    ...feedArguments(shapes, dim, entry.args),
    ...outer,
    imageArguments(shapes, patch, prefix, entry, name),
  ];
  const given = arch === undefined ? {} : argumentsOf(arch);
  const rotary = ["rope_type", "rope_temperature", "rope_grid_indexing", "rope_rotate_half"].flatMap(
    (key): Stated[] => (key in entry.args ? [[key, entry.args[key], name]] : []),
  );
  const architecture: Stated = [
    "architecture",
    name,
    "storage_tokens, which only Meta's DINOv3 has, and the width",
  ];
  return {
    description: {
      library: "timm",
      architecture: name,
      classes: undefined,
      pool: undefined,
      args: { ...valuesOf(found), ...given },
      pretrained: undefined,
      labels: undefined,
    },
    inferred: inferredFrom([...(arch === undefined ? [architecture] : []), ...found, ...rotary], given),
  };
}

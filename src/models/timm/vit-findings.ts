/** @file What the tensors of a VisionTransformer with timm's names say of the arguments that it was made with. */
import { VitreousError } from "../../onnx/errors.js";
import type { Spec } from "../../spec.js";
import type { Size } from "../architecture.js";
import type { Stated } from "../stated.js";
import type { TensorShapes } from "../stored-tensor.js";
import { gridOf } from "../vit.js";
import { splitName, type TimmArchitecture } from "./architectures.js";
import { plainDescription } from "./config.js";
import { type VitArguments, vitArguments } from "./vit-arguments.js";

export interface Basics {
  readonly dim: number;
  readonly channels: number;
  readonly patch: Size;
  readonly depth: number;
}

export function basicsOf(tensors: TensorShapes): Basics {
  const [dim = 0, channels = 0, height = 0, width = 0] = tensors.get("patch_embed.proj.weight")?.dims ?? [];
  let depth = 0;
  while (tensors.has(`blocks.${depth}.norm1.weight`)) depth++;
  return { dim, channels, patch: [height, width], depth };
}

/** The feed-forward part: packed gates have twice as many features before the activation as after it. */
function feedFindings(tensors: TensorShapes, { dim }: Basics, usual: VitArguments): readonly Stated[] {
  const rows = (name: string): number | undefined => tensors.get(`blocks.0.mlp.${name}.weight`)?.dims[0];
  const official = rows("w12");
  const first = official ?? rows("fc1") ?? rows("fc1_g") ?? 0;
  const name = `blocks.0.mlp.${official ? "w12" : rows("fc1") ? "fc1" : "fc1_g"}.weight`;
  const last = tensors.get(`blocks.0.mlp.${official ? "w3" : "fc2"}.weight`)?.dims[1];
  const layer = rows("fc1_g") ? "SwiGLU" : first === 2 * (last ?? 0) ? "SwiGLUPacked" : "Mlp";
  // The smallest ratio that gives the number back, where hidden/width is rounded below it.
  const exact = first / dim;
  const ratio = Math.trunc(dim * exact) === first ? exact : (first + 0.5) / dim;
  const same = Math.trunc(dim * usual.mlp_ratio) === first;
  return [
    ["mlp_layer", layer, `the shape of ${name}`],
    ...(official ? ([["act_layer", "silu", "mlp.w12, which is DINOv2's"]] as const) : []),
    ...(same ? [] : ([["mlp_ratio", ratio, `the shape of ${name}`]] as const)),
  ];
}

/** What is there or is not. */
function optionFindings(tensors: TensorShapes, usual: VitArguments): readonly Stated[] {
  const has = (name: string): boolean => tensors.has(name);
  const there = (name: string): string => `${name} ${has(name) ? "in" : "not in"} the checkpoint`;
  const option = (argument: string, name: string): Stated => [argument, has(name), there(name)];
  const scale = has("blocks.0.gamma_1") ? "blocks.0.gamma_1" : "blocks.0.ls1.gamma";
  const registers = has("register_tokens") ? "register_tokens" : "reg_token";
  return [
    option("qkv_bias", "blocks.0.attn.qkv.bias"),
    option("proj_bias", "blocks.0.attn.proj.bias"),
    option("qk_norm", "blocks.0.attn.q_norm.weight"),
    option("scale_attn_norm", "blocks.0.attn.norm.weight"),
    option("scale_mlp_norm", "blocks.0.mlp.norm.weight"),
    ["init_values", has(scale) ? usual.init_values || 1 : null, there(scale)],
    option("class_token", "cls_token"),
    ["reg_tokens", tensors.get(registers)?.dims[1] ?? 0, there(registers)],
    option("pre_norm", "norm_pre.weight"),
    ["final_norm", has("norm.weight") || has("fc_norm.weight"), there("norm.weight")],
    ["fc_norm", has("fc_norm.weight") || null, there("fc_norm.weight")],
  ];
}

function poolFinding(tensors: TensorShapes, usual: VitArguments, name: string): Stated {
  if (tensors.has("attn_pool.latent")) return ["global_pool", "map", "attn_pool.latent in the checkpoint"];
  const known = usual.global_pool ?? "token";
  if (known === "token" || known === "map") {
    if (tensors.has("fc_norm.weight")) return ["global_pool", "avg", "fc_norm.weight in the checkpoint"];
    if (!tensors.has("cls_token")) return ["global_pool", "avg", "cls_token not in the checkpoint"];
  }
  return ["global_pool", known === "map" ? "token" : known, name];
}

/** How many of the position embedding's rows may be for patches, and whether that is all of them. */
function patchCounts(
  tensors: TensorShapes,
  prefix: number,
  stated: unknown,
): readonly (readonly [patches: number, onlyPatches: boolean])[] {
  const rows = tensors.get("pos_embed")?.dims[1] ?? 0;
  // The official DINOv2 has a position for the class token, and none for the registers.
  if (tensors.has("register_tokens")) return [[rows - 1, true]];
  const all = [[rows - prefix, false] as const, [rows, true] as const];
  return typeof stated === "boolean" ? all.filter(([, onlyPatches]) => onlyPatches === stated) : all;
}

/** The grid of the positions: of the stated image size or the name's, if rows are so many; else a square. */
function positionFindings(
  tensors: TensorShapes,
  { patch }: Basics,
  counts: readonly (readonly [patches: number, onlyPatches: boolean])[],
  usual: readonly (readonly [size: Size, from: string])[],
): readonly Stated[] {
  const finding = (size: Size, onlyPatches: boolean, from: string): readonly Stated[] => [
    ["img_size", size[0] === size[1] ? size[0] : size, from],
    ["no_embed_class", onlyPatches, "the shape of pos_embed"],
  ];
  for (const [size, from] of usual) {
    const [height, width] = gridOf(size, patch);
    const found = counts.find(([patches]) => patches === height * width);
    if (found) return finding(size, found[1], from);
  }
  const squares = counts.filter(([patches]) => patches > 0 && Number.isInteger(Math.sqrt(patches)));
  // 14×16 patches and a class token are as many as 15×15 patches: where that may be, it is not guessed.
  const neighbours = counts.length === 2 && Math.abs((counts[0]?.[0] ?? 0) - (counts[1]?.[0] ?? 0)) === 1;
  const [square] = neighbours ? squares.filter(([, onlyPatches]) => !onlyPatches) : squares;
  if (square) {
    const side = Math.sqrt(square[0]);
    return finding([side * patch[0], side * patch[1]], square[1], "the shape of pos_embed");
  }
  throw new VitreousError(
    `pos_embed has ${tensors.get("pos_embed")?.dims[1]} rows, of which ${counts.map(([patches]) => patches).join(" or ")} are for patches, and what grid they are on is not settled. Give the image size in pixels, as in --arch vit_tiny_patch16_224:img_size=${4 * patch[0]}x${6 * patch[1]}${counts.length > 1 ? ", or no_embed_class=true where the class token has no position" : ""}.`,
  );
}

/**
 * Every argument that shapes tell or, of those that they do not tell, that the name stands for.
 *
 * @param stated what the user says, which may settle the rest
 * @throws VitreousError where the image size is not settled
 */
export function findingsOf(
  tensors: TensorShapes,
  arch: Spec,
  entry: TimmArchitecture,
  stated: Readonly<Record<string, unknown>>,
): readonly Stated[] {
  const basics = basicsOf(tensors);
  const { dim, depth, patch, channels } = basics;
  const described = plainDescription(splitName(arch.name).architecture);
  const usual = vitArguments(described);
  const options = optionFindings(tensors, usual);
  const count = (name: string, axis: number): number => tensors.get(name)?.dims[axis] ?? 0;
  const head = tensors.get("blocks.0.attn.q_norm.weight")?.dims[0];
  const registers = count("reg_token", 1) + count("register_tokens", 1);
  const prefix = count("cls_token", 1) + count("dist_token", 1) + registers;
  const [, height = 224, width = 224] = entry.pretrained.input_size ?? [];
  const sizes: (readonly [Size, string])[] = [[usual.img_size ?? [height, width], arch.name]];
  const told = vitArguments({ ...described, args: pick(stated, "img_size") }).img_size;
  const onlyPatches = stated.no_embed_class ?? (usual.no_embed_class || undefined);
  if ("img_size" in stated && told !== undefined) sizes.unshift([told, "--arch"]);
  return [
    ["embed_dim", dim, "the shape of patch_embed.proj.weight"],
    ["depth", depth, "the number of blocks"],
    head === undefined
      ? ["num_heads", usual.num_heads, arch.name]
      : ["num_heads", dim / head, "the shape of blocks.0.attn.q_norm.weight"],
    ["patch_size", patch[0] === patch[1] ? patch[0] : patch, "the shape of patch_embed.proj.weight"],
    ["in_chans", channels, "the shape of patch_embed.proj.weight"],
    ...positionFindings(tensors, basics, patchCounts(tensors, prefix, onlyPatches), sizes),
    [
      "num_classes",
      count("head.weight", 0),
      tensors.has("head.weight") ? "the shape of head.weight" : "no head",
    ],
    poolFinding(tensors, usual, arch.name),
    ...feedFindings(tensors, basics, usual),
    ...options,
  ];
}

const pick = (all: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> =>
  name in all ? { [name]: all[name] } : {};

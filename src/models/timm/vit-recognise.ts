/**
 * @file A bare state dict of timm's VisionTransformer, or of the official DeiT, DINO, DINOv2 and MAE, which use its names:
 * what its shapes say, and what the user's --arch must settle.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Spec } from "../../spec.js";
import type { Recognised, Size } from "../architecture.js";
import type { TensorShapes } from "../stored-tensor.js";
import { gridOf } from "../vit.js";
import { ROWS } from "./architectures.generated.js";
import { splitName, type TimmArchitecture, timmArchitecture } from "./architectures.js";
import type { TimmDescription } from "./config.js";
import { argumentsOf, argumentText } from "./spec-arguments.js";
import { type VitArguments, vitArguments } from "./vit-arguments.js";

const PLAIN = "VisionTransformer";
const DISTILLED = "VisionTransformerDistilled";
/** A name of each class that stands for its defaults but for the sizes, which are always given. */
const STAND_IN = {
  [PLAIN]: "deit_base_patch16_224",
  [DISTILLED]: "deit_base_distilled_patch16_224",
} as const;

const BLOCK = ["norm1.weight", "attn.qkv.weight", "attn.proj.weight", "norm2.weight"];

/** Parts of names that BEiT and EVA have. */
const OTHERS = /(?:^|\.)(?:q_bias|relative_position_bias_table|rope|q_proj)(?:\.|$)/;

function fits(tensors: TensorShapes): boolean {
  return (
    BLOCK.every((name) => tensors.has(`blocks.0.${name}`)) &&
    tensors.get("patch_embed.proj.weight")?.dims.length === 4 &&
    tensors.has("pos_embed") &&
    ![...tensors.keys()].some((name) => OTHERS.test(name))
  );
}

/** An argument, its value, and where that is from. */
type Finding = readonly [name: string, value: unknown, from: string];

interface Basics {
  readonly dim: number;
  readonly channels: number;
  readonly patch: Size;
  readonly depth: number;
}

function basicsOf(tensors: TensorShapes): Basics {
  const [dim = 0, channels = 0, height = 0, width = 0] = tensors.get("patch_embed.proj.weight")?.dims ?? [];
  let depth = 0;
  while (tensors.has(`blocks.${depth}.norm1.weight`)) depth++;
  return { dim, channels, patch: [height, width], depth };
}

/** timm's shortest names for a model of this size. */
function likely({ dim, depth, patch }: Basics, modelClass: string): readonly string[] {
  const names = Object.entries(ROWS).filter(
    ([, [known, args]]) =>
      known === modelClass &&
      (args.embed_dim ?? 768) === dim &&
      (args.depth ?? 12) === depth &&
      (args.patch_size ?? 16) === patch[0],
  );
  return names
    .map(([name]) => name)
    .sort((a, b) => a.length - b.length)
    .slice(0, 3);
}

function unsettled(tensors: TensorShapes, arch: Spec | undefined): VitreousError {
  const basics = basicsOf(tensors);
  const names = likely(basics, tensors.has("dist_token") ? DISTILLED : PLAIN);
  const example = names.length > 0 ? names.join(" or --arch ") : "vit_base_patch16_224:num_heads=12";
  const problem =
    arch === undefined
      ? "they do not tell the number of heads, nor how images are prepared"
      : `"${arch.name}" is not one of timm's names for it`;
  return new VitreousError(
    `the tensors are those of timm's VisionTransformer of width ${basics.dim} and depth ${basics.depth} with patches of ${basics.patch.join("×")}, but ${problem}. Give --arch ${example}; what differs follows as in --arch vit_tiny_patch16_224:num_heads=6,img_size=64x96.`,
  );
}

/** The feed-forward part: packed gates have twice as many features before the activation as after it. */
function feedFindings(tensors: TensorShapes, { dim }: Basics, usual: VitArguments): readonly Finding[] {
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
function optionFindings(tensors: TensorShapes, usual: VitArguments): readonly Finding[] {
  const has = (name: string): boolean => tensors.has(name);
  const there = (name: string): string => `${name} ${has(name) ? "in" : "not in"} the checkpoint`;
  const option = (argument: string, name: string): Finding => [argument, has(name), there(name)];
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

function poolFinding(tensors: TensorShapes, usual: VitArguments, name: string): Finding {
  if (tensors.has("attn_pool.latent")) return ["global_pool", "map", "attn_pool.latent in the checkpoint"];
  const known = usual.global_pool ?? "token";
  if (known === "token" || known === "map") {
    if (tensors.has("fc_norm.weight")) return ["global_pool", "avg", "fc_norm.weight in the checkpoint"];
    if (!tensors.has("cls_token")) return ["global_pool", "avg", "cls_token not in the checkpoint"];
  }
  return ["global_pool", known === "map" ? "token" : known, name];
}

/** The grid of the positions: of the stated image size or the name's, if rows are so many; else a square. */
function positionFindings(
  tensors: TensorShapes,
  { patch }: Basics,
  prefix: number,
  usual: readonly (readonly [size: Size, from: string])[],
): readonly Finding[] {
  const rows = tensors.get("pos_embed")?.dims[1] ?? 0;
  /** The official DINOv2 has a position for the class token, and none for the registers. */
  const official = tensors.has("register_tokens");
  const counts: readonly (readonly [patches: number, onlyPatches: boolean])[] = official
    ? [[rows - 1, true]]
    : [
        [rows - prefix, false],
        [rows, true],
      ];
  const finding = (size: Size, onlyPatches: boolean, from: string): readonly Finding[] => [
    ["img_size", size[0] === size[1] ? size[0] : size, from],
    ["no_embed_class", onlyPatches, "the shape of pos_embed"],
  ];
  for (const [size, from] of usual) {
    const [height, width] = gridOf(size, patch);
    const found = counts.find(([patches]) => patches === height * width);
    if (found) return finding(size, found[1], from);
  }
  const square = counts.find(([patches]) => patches > 0 && Number.isInteger(Math.sqrt(patches)));
  if (square) {
    const side = Math.sqrt(square[0]);
    return finding([side * patch[0], side * patch[1]], square[1], "the shape of pos_embed");
  }
  throw new VitreousError(
    `pos_embed has ${rows} rows, of which ${counts.map(([patches]) => patches).join(" or ")} are for patches: no square, so the image size is not settled. Give it in pixels, as in --arch vit_tiny_patch16_224:img_size=${4 * patch[0]}x${6 * patch[1]}.`,
  );
}

/** See `Architecture.recognise`. */
export function recogniseVit(tensors: TensorShapes, arch: Spec | undefined): Recognised | undefined {
  if (!fits(tensors)) return undefined;
  const entry = arch && timmArchitecture(arch.name);
  if (arch === undefined || entry === undefined) throw unsettled(tensors, arch);
  if (entry.class !== PLAIN && entry.class !== DISTILLED) return undefined;
  const stated = argumentsOf(arch);
  const findings = [...findingsOf(tensors, arch, entry, stated)];
  const args = { ...entry.args, ...Object.fromEntries(findings), ...stated };
  const distilled = tensors.has("dist_token");
  const description: TimmDescription = {
    ...plainDescription(
      distilled === (entry.class === DISTILLED)
        ? splitName(arch.name).architecture
        : STAND_IN[distilled ? DISTILLED : PLAIN],
    ),
    args,
    pretrained: entry.pretrained,
  };
  const defaults: Readonly<Record<string, unknown>> = vitArguments(plainDescription(STAND_IN[PLAIN]));
  const named = Object.entries(entry.args).filter(([name]) => !findings.some(([found]) => found === name));
  const all: readonly Finding[] = [
    ...findings,
    ...named.map(([name, value]): Finding => [name, value, arch.name]),
  ];
  const inferred = all
    .filter(([name]) => !(name in stated))
    .filter(([name, value]) => ALWAYS.has(name) || value !== (defaults[name] ?? null))
    .map(([name, value, from]) => ({ name, value: argumentText(value), from }));
  return { description, inferred };
}

/** Told even if they are the class' defaults; of all others, a person is told what differs from those. */
const ALWAYS = new Set([
  "embed_dim",
  "depth",
  "num_heads",
  "patch_size",
  "img_size",
  "num_classes",
  "global_pool",
]);

const plainDescription = (architecture: string): TimmDescription => ({
  library: "timm",
  architecture,
  args: {},
  classes: undefined,
  pool: undefined,
  pretrained: undefined,
  labels: undefined,
});

function findingsOf(
  tensors: TensorShapes,
  arch: Spec,
  entry: TimmArchitecture,
  stated: Readonly<Record<string, unknown>>,
): readonly Finding[] {
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
  if ("img_size" in stated && told !== undefined) sizes.unshift([told, "--arch"]);
  return [
    ["embed_dim", dim, "the shape of patch_embed.proj.weight"],
    ["depth", depth, "the number of blocks"],
    head === undefined
      ? ["num_heads", usual.num_heads, arch.name]
      : ["num_heads", dim / head, "the shape of blocks.0.attn.q_norm.weight"],
    ["patch_size", patch[0] === patch[1] ? patch[0] : patch, "the shape of patch_embed.proj.weight"],
    ["in_chans", channels, "the shape of patch_embed.proj.weight"],
    ...positionFindings(tensors, basics, prefix, sizes),
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

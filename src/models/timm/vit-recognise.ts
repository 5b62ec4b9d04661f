/**
 * @file A bare state dict of timm's VisionTransformer, or of the official DeiT, DINO, DINOv2 and MAE, which use its names:
 * what its shapes say, and what the user's --arch must settle.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Spec } from "../../spec.js";
import type { Recognised } from "../architecture.js";
import { argumentsOf } from "../argument.js";
import { inferredFrom, type Stated, valuesOf } from "../stated.js";
import type { TensorShapes } from "../stored-tensor.js";
import { ROWS } from "./architectures.generated.js";
import { splitName, timmArchitecture } from "./architectures.js";
import { plainDescription, type TimmDescription } from "./config.js";
import { vitArguments } from "./vit-arguments.js";
import { type Basics, basicsOf, findingsOf } from "./vit-findings.js";

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

/** See `Architecture.recognise`. */
export function recogniseVit(tensors: TensorShapes, arch: Spec | undefined): Recognised | undefined {
  if (!fits(tensors)) return undefined;
  const entry = arch && timmArchitecture(arch.name);
  if (arch === undefined || entry === undefined) throw unsettled(tensors, arch);
  if (entry.class !== PLAIN && entry.class !== DISTILLED) return undefined;
  const stated = argumentsOf(arch);
  const findings = findingsOf(tensors, arch, entry, stated);
  const args = { ...entry.args, ...valuesOf(findings), ...stated };
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
  const all: readonly Stated[] = [
    ...findings,
    ...named.map(([name, value]): Stated => [name, value, arch.name]),
  ];
  const told = all.filter(([name, value]) => ALWAYS.has(name) || value !== (defaults[name] ?? null));
  return { description, inferred: inferredFrom(told, stated) };
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

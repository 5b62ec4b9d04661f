/**
 * @file Weights for a model of timm that is trained from nothing, drawn as timm draws them.
 *
 * Source: timm, `init_weights` of VisionTransformer, VisionTransformerDistilled, SwinTransformer and SwinTransformerV2
 * (mode ""), which leaves the patches' convolution as torch makes it.
 */
import { VitreousError } from "../../onnx/errors.js";
import { elementCount } from "../../onnx/tensor.js";
import { filled } from "../derived.js";
import { evenlyDrawn, truncatedNormal } from "../drawn.js";
import { tensorsTaken } from "../index.js";
import type { StoredTensor, StoredTensors } from "../stored-tensor.js";
import { timmArchitecture } from "./architectures.js";
import type { TimmDescription } from "./config.js";

const CLASSES = ["VisionTransformer", "VisionTransformerDistilled", "SwinTransformer", "SwinTransformerV2"];

const DEVIATION = 0.02;
/** Of class token and registers. */
const TOKEN_DEVIATION = 1e-6;
const LOGIT_SCALE = Math.log(10);

/** Arguments that ask for another way to draw. */
function refuseOtherWays({ architecture, args }: TimmDescription): void {
  const all = { ...timmArchitecture(architecture)?.args, ...args };
  const asked = Object.entries(all).find(
    ([name, value]) => (name === "weight_init" && value !== "") || (name === "fix_init" && value === true),
  );
  if (asked !== undefined)
    throw new VitreousError(
      `${architecture}: ${asked.join(" ")} cannot be done here; weights are drawn in timm's usual way, without it.`,
    );
}

/**
 * All tensors of an architecture, with its classifier; the same for the same seed.
 *
 * @throws VitreousError for other models than timm's ViT, DeiT, Swin and Swin V2, and for arguments that do not make one
 */
export function freshTimmWeights(description: TimmDescription, seed: number): StoredTensors {
  const { architecture, args } = description;
  const entry = timmArchitecture(architecture);
  if (entry === undefined || !CLASSES.includes(entry.class))
    throw new VitreousError(
      `${architecture} cannot be trained from nothing here: of timm's models ViT, DeiT, Swin and Swin V2 can.`,
    );
  refuseOtherWays(description);
  const { init_values: scale } = { ...entry.args, ...args };
  const taken = tensorsTaken(description);
  const [, ...patch] = taken.get("patch_embed.proj.weight") ?? [];
  const initial = (name: string, dims: readonly number[]): StoredTensor => {
    if (name.startsWith("patch_embed.proj."))
      return evenlyDrawn(name, dims, 1 / Math.sqrt(elementCount(patch)), seed);
    if (/(^|\.)(cls|reg)_token$/.test(name)) return truncatedNormal(name, dims, TOKEN_DEVIATION, seed);
    if (name === "attn_pool.latent")
      return truncatedNormal(name, dims, 1 / Math.sqrt(dims.at(-1) ?? 1), seed);
    if (name.endsWith(".logit_scale")) return filled(dims, LOGIT_SCALE);
    if (/\.ls\d\.gamma$/.test(name)) return filled(dims, typeof scale === "number" ? scale : 1);
    if (/(\.|[qv]_)bias$/.test(name)) return filled(dims, 0);
    // Swin V2's branches begin as nothing.
    if (entry.class === "SwinTransformerV2" && /\.norm[12]\.weight$/.test(name)) return filled(dims, 0);
    return dims.length === 1 ? filled(dims, 1) : truncatedNormal(name, dims, DEVIATION, seed);
  };
  return new Map([...taken].map(([name, dims]) => [name, initial(name, dims)]));
}

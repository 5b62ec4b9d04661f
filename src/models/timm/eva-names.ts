/**
 * @file Names in checkpoints that timm converts to its Eva's when it loads them: those of Meta's DINOv3 and of BAAI's EVA-02
 * (`checkpoint_filter_fn`).
 */
import type { TensorShapes } from "../stored-tensor.js";

/** A tensor that only Meta's DINOv3 files have. */
const META = "storage_tokens";

export const isMetas = (tensors: TensorShapes): boolean => tensors.has(META);

/** BAAI's pre-training files; their norm is the fine-tuned model's norm behind the pooling. */
const isPretraining = (tensors: TensorShapes): boolean => tensors.has("mask_token") && !isMetas(tensors);

/** timm's name for a tensor of the checkpoint. */
function timmName(name: string, tensors: TensorShapes): string {
  const common = name
    .replace(/\bmlp\.ffn_ln\b/, "mlp.norm")
    .replace(/\battn\.inner_attn_ln\b/, "attn.norm")
    .replace(/\bmlp\.w12\b/, "mlp.fc1")
    .replace(/\bmlp\.w1\b/, "mlp.fc1_g")
    .replace(/\bmlp\.w2\b/, "mlp.fc1_x")
    .replace(/\bmlp\.w3\b/, "mlp.fc2");
  if (isMetas(tensors)) return common.replace(/\bls([12])\.gamma$/, "gamma_$1").replace(META, "reg_token");
  const placed = isPretraining(tensors) ? common.replace(/^norm\./, "fc_norm.") : common;
  return tensors.has("blocks.0.attn.q_proj.weight")
    ? placed.replace(/\battn\.([qv])_bias$/, "attn.$1_proj.bias")
    : placed;
}

/** timm's names of all tensors. */
export function evaShapes(tensors: TensorShapes): TensorShapes {
  return new Map([...tensors].map(([name, shape]) => [timmName(name, tensors), shape]));
}

/** For a name of timm's, the checkpoint's own. */
export function evaNames(tensors: TensorShapes): (name: string) => string {
  const stored = new Map([...tensors.keys()].map((name) => [timmName(name, tensors), name]));
  return (name) => stored.get(name) ?? name;
}

/** Tensors that timm leaves out when it loads: buffers, parts of pre-training. */
export function isUnusedByEva(name: string, tensors: TensorShapes, biased: boolean): boolean {
  if (name.includes("rope") && name !== "rope.freqs") return true;
  if (name === "mask_token") return true;
  if (!isMetas(tensors)) return isPretraining(tensors) && name.startsWith("lm_head.");
  // Meta's smaller models keep a bias of zeros that timm's architectures without one leave out.
  if (!biased && name.endsWith(".qkv.bias")) return true;
  return name.endsWith(".bias_mask") || name.startsWith("projectors.") || name.startsWith("local_cls_norm.");
}

/** @file What vision transformers have that none of transformers' classes for ViT, DeiT and DINOv2 has. */
import type { BlockNames, Vit } from "../../vit.js";
import { refuseTranslation } from "./refusal.js";

const hasQueryNorms = ({ attention }: BlockNames): boolean =>
  attention.queryNorm !== undefined || attention.keyNorm !== undefined;

/** @throws VitreousError naming the first of them */
export function refuseOthers(model: string, vit: Vit): void {
  const refuse = (what: string): never => refuseTranslation(model, what);
  const block = vit.block(0);
  if (vit.attend !== undefined) refuse("its attention has positions of its own (relative or rotary)");
  if (vit.positions === undefined) refuse("it has no position embeddings");
  if (vit.normPre !== undefined) refuse(`it has a norm in front of its blocks (${vit.normPre}), as CLIP has`);
  if (vit.norm === undefined || vit.head.fcNorm !== undefined) {
    refuse("its last norm does not stand between the blocks and the pooling");
  }
  if (hasQueryNorms(block)) refuse("it has norms of queries and keys (qk_norm)");
  if (block.attention.norm !== undefined) refuse("it has a norm inside of its attention (scale_attn_norm)");
  if (block.feed.norm !== undefined) refuse("it has a norm inside of its MLP (scale_mlp_norm)");
  if (vit.head.preLogits !== undefined) refuse("it has a layer in front of its classifier (pre_logits)");
  const gated = typeof block.feed.fc1 !== "string";
  if (gated && block.feed.activation !== "silu") refuse("the gate of its MLP is not SwiGLU's");
}

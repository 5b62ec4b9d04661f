/**
 * @file What timm's VisionTransformer calls its tensors, and what the official DeiT III and DINOv2 call them, whose names
 * timm converts when it loads them.
 */
import type { BlockNames, Feed, PrefixTokens } from "../vit.js";
import type { Context } from "./vit-context.js";

/** The official DINOv2 calls them otherwise, and has positions for its class token only. */
const REGISTERS = ["reg_token", "register_tokens"] as const;

export function prefixOf({ args, tensors, distilled }: Context): readonly PrefixTokens[] {
  const official = tensors.has(REGISTERS[1]);
  const positioned = !args.no_embed_class;
  return [
    ...(args.class_token
      ? [{ name: "cls_token", count: 1, positioned: positioned || (official && args.reg_tokens > 0) }]
      : []),
    ...(distilled ? [{ name: "dist_token", count: 1, positioned }] : []),
    ...(args.reg_tokens > 0
      ? [{ name: REGISTERS[official ? 1 : 0], count: args.reg_tokens, positioned: positioned && !official }]
      : []),
  ];
}

function feedOf(scope: string, { args, tensors }: Context): Feed {
  const mlp = `${scope}.mlp`;
  const official = tensors.has(`${mlp}.w12.weight`);
  const fc1: Feed["fc1"] = {
    Mlp: `${mlp}.fc1`,
    SwiGLUPacked: { packed: official ? `${mlp}.w12` : `${mlp}.fc1` },
    SwiGLU: { gate: `${mlp}.fc1_g`, value: `${mlp}.fc1_x` },
  }[args.mlp_layer];
  return {
    fc1,
    act: `${mlp}.act`,
    activation: args.act_layer ?? "gelu",
    norm: args.scale_mlp_norm ? `${mlp}.norm` : undefined,
    fc2: official ? `${mlp}.w3` : `${mlp}.fc2`,
  };
}

export function blockOf(scope: string, context: Context): BlockNames {
  const { args, tensors } = context;
  const attn = `${scope}.attn`;
  /** The official DeiT III keeps LayerScale's vectors in the block itself. */
  const scale = (n: 1 | 2): string | undefined => {
    if (!args.init_values) return undefined;
    return tensors.has(`${scope}.gamma_${n}`) ? `${scope}.gamma_${n}` : `${scope}.ls${n}.gamma`;
  };
  return {
    scope,
    norm1: `${scope}.norm1`,
    attention: {
      scope: attn,
      qkv: `${attn}.qkv`,
      proj: `${attn}.proj`,
      ...(args.qk_norm ? { queryNorm: `${attn}.q_norm`, keyNorm: `${attn}.k_norm` } : {}),
      ...(args.scale_attn_norm ? { norm: `${attn}.norm` } : {}),
    },
    scale1: scale(1),
    norm2: `${scope}.norm2`,
    feed: feedOf(scope, context),
    scale2: scale(2),
  };
}

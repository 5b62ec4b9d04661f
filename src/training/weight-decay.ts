/**
 * @file Which tensors weight decay leaves alone. Decay pulls towards zero, which means nothing for a shift, a scale or a
 * place: the rule of timm's `param_groups_weight_decay` with the models' own `no_weight_decay` lists (ViT, DeiT, BEiT,
 * Swin, Swin V2), whichever library named the tensors.
 */

/** Embeddings of tokens and places, and what Swin computes biases and scales from. */
const UNDECAYED = [
  /(^|[._])(cls|class|dist|distillation|reg|register|mask|storage)_?tokens?$/,
  /(^|[._])pos(ition)?_?embed(ding)?s?$/,
  /(^|[._])rel(ative)?_pos(ition)?_bias_table$/,
  /(^|[._])rel_pos_[hw]$/,
  /(^|[._])(cpb|continuous_position_bias)_mlp\./,
  /(^|[._])logit_scale$/,
];

/**
 * Whether AdamW's decay applies: to matrices and kernels, and not to vectors (biases, norms, LayerScale), tokens,
 * position embeddings and relative position tables.
 */
export function decays(name: string, dims: readonly number[]): boolean {
  return dims.length > 1 && !name.endsWith(".bias") && !UNDECAYED.some((pattern) => pattern.test(name));
}

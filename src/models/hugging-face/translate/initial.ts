/**
 * @file The numbers that training starts from where no checkpoint has any, as transformers draws them.
 *
 * Source: transformers, `_init_weights` of ViT, DeiT, DINOv2, Swin and Swin V2. DeiT's tokens and positions are drawn as
 * the paper's own code does (trunc_normal, 0.02), where transformers fills in zeros.
 */
import { filled } from "../../derived.js";
import { truncatedNormal } from "../../drawn.js";
import type { StoredTensor } from "../../stored-tensor.js";
import type { HuggingFaceDescription } from "../config.js";

const LOGIT_SCALE = Math.log(10);

const stated = ({ json }: HuggingFaceDescription, field: string, otherwise: number): number => {
  const value = json[field];
  return typeof value === "number" ? value : otherwise;
};

/** transformers' initializer_range. */
export const deviationOf = (description: HuggingFaceDescription): number =>
  stated(description, "initializer_range", 0.02);

/** What a new tensor of this name and shape begins as. */
export function initialTensor(
  description: HuggingFaceDescription,
  name: string,
  dims: readonly number[],
  seed: number,
): StoredTensor {
  if (/\.bias$|relative_position_bias_table$|mask_token$/.test(name)) return filled(dims, 0);
  if (/\.lambda1$/.test(name)) return filled(dims, stated(description, "layerscale_value", 1));
  if (/\.logit_scale$/.test(name)) return filled(dims, LOGIT_SCALE);
  // Swin's own tables of positions, which are optional there, begin with nothing.
  const swin = description.modelType.startsWith("swin");
  if (swin && name.endsWith("position_embeddings")) return filled(dims, 0);
  if (dims.length === 1) return filled(dims, 1);
  return truncatedNormal(name, dims, deviationOf(description), seed);
}

/** @file People name a Hugging Face model by its type (config.json's model_type) or by its class; both are taken. */
import type { Spec } from "../../spec.js";

const TYPES: ReadonlyMap<string, string> = new Map([
  ["ViT", "vit"],
  ["ViTMAE", "vit_mae"],
  ["ViTMSN", "vit_msn"],
  ["DeiT", "deit"],
  ["Dinov2", "dinov2"],
  ["Dinov2WithRegisters", "dinov2_with_registers"],
  ["DINOv3ViT", "dinov3_vit"],
  ["Swin", "swin"],
  ["Swinv2", "swinv2"],
  ["Beit", "beit"],
]);

/** "ViTForImageClassification" and "ViTModel" as "vit"; any other name as it is. */
export function byModelType(arch: Spec | undefined): Spec | undefined {
  const [, family = ""] = /^(\w+?)(?:For\w+|Model|Backbone)$/.exec(arch?.name ?? "") ?? [];
  const name = TYPES.get(family);
  return arch === undefined || name === undefined ? arch : { ...arch, name };
}

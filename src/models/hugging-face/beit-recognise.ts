/**
 * @file A state dict of transformers' BEiT without its config.json: its tables of relative positions say how many heads it has and
 * for which grid it is.
 */
import type { Spec } from "../../spec.js";
import type { Recognised } from "../architecture.js";
import { squareFor } from "../relative-positions.js";
import type { Stated } from "../stated.js";
import type { TensorShapes } from "../stored-tensor.js";
import { depthOf, described, patchFields } from "./recognised.js";

const TABLE = "relative_position_bias_table";

/** See `Architecture.recognise`. */
export function recogniseBeit(tensors: TensorShapes, arch: Spec | undefined): Recognised | undefined {
  const has = (name: string): boolean => tensors.has(name);
  const prefix = has("beit.embeddings.cls_token") ? "beit." : "";
  const path = has(`${prefix}layers.0.layernorm_before.weight`)
    ? `${prefix}layers.`
    : `${prefix}encoder.layer.`;
  const tables = [...tensors.keys()].filter((name) => name.endsWith(`.${TABLE}`));
  const [first] = tables;
  const projection = `${prefix}embeddings.patch_embeddings.projection.weight`;
  const scaled = has(`${path}0.lambda_1`);
  const known =
    has(`${path}0.layernorm_before.weight`) && has(projection) && has(`${prefix}embeddings.cls_token`);
  if (!known || (first === undefined && !scaled)) return undefined;
  const own = tables.some((name) => name.startsWith(path));
  const shared = tables.some((name) => !name.startsWith(path));
  const [rows = 0, heads] = first === undefined ? [] : (tensors.get(first)?.dims ?? []);
  const positions = `${prefix}embeddings.position_embeddings`;
  const placed = tensors.get(positions)?.dims[1];
  const side = placed === undefined ? Number.NaN : Math.sqrt(placed - 1);
  const grid = squareFor(rows) ?? (Number.isInteger(side) ? [side, side] : undefined);
  const patches = patchFields(tensors, projection);
  const patch = tensors.get(projection)?.dims.slice(2) ?? [];
  const where = first ?? positions;
  const hidden = tensors.get(`${path}0.intermediate.dense.weight`) ?? tensors.get(`${path}0.mlp.fc1.weight`);
  const pooled = has(`${prefix}pooler.layernorm.weight`);
  const names = "the names of tensors";
  const classes = tensors.get("classifier.weight")?.dims[0];
  const found: readonly Stated[] = [
    ...patches,
    ["num_hidden_layers", depthOf(tensors, path), `the names ${path}…`],
    ["num_attention_heads", heads, `the shape of ${where}`],
    ["intermediate_size", hidden?.dims[0], "the shapes of the first block's MLP"],
    [
      "image_size",
      grid && patch.map((length) => length * (grid[0] ?? 0)),
      `the shape of ${where}, taken as a square grid`,
    ],
    ["use_mask_token", has(`${prefix}embeddings.mask_token`), names],
    ["use_absolute_position_embeddings", placed !== undefined, names],
    ["use_relative_position_bias", own, names],
    ["use_shared_relative_position_bias", shared, names],
    ["layer_scale_init_value", scaled ? 0.1 : 0, names],
    ["use_mean_pooling", pooled, names],
    ...(classes === undefined ? [] : [["num_labels", classes, "the shape of classifier.weight"] as const]),
    ["hidden_act", "gelu", "the default of beit"],
    ["layer_norm_eps", 1e-12, "the default of beit"],
  ];
  return described("beit", classes === undefined ? "BeitModel" : "BeitForImageClassification", found, arch);
}

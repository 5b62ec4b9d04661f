/**
 * @file A bare state dict of timm's BEiT, or of Microsoft's own with the same names: its tables of relative positions say how many
 * heads there are and which grid they are for.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Spec } from "../../spec.js";
import type { Recognised } from "../architecture.js";
import { argumentsOf } from "../argument.js";
import { squareFor } from "../relative-positions.js";
import { inferredFrom, type Stated, valuesOf } from "../stated.js";
import type { TensorShapes } from "../stored-tensor.js";
import { splitName, timmArchitecture } from "./architectures.js";
import { modelShapes } from "./recognised.js";

const OWN = "blocks.0.attn.relative_position_bias_table";
const SHARED = "rel_pos_bias.relative_position_bias_table";

/** Where no name is given: the architecture whose preparation of pictures is taken. */
const USUAL = "beit_base_patch16_224";

/** The ratio that gives as many hidden features as the tensors have. */
function mlpArguments(shapes: TensorShapes, dim: number): Stated[] {
  const from = "the shapes of blocks.0.mlp";
  const hidden = shapes.get("blocks.0.mlp.fc2.weight")?.dims[1] ?? 0;
  const exact = hidden / dim;
  const ratio = Math.trunc(dim * exact) === hidden ? exact : (hidden + 0.5) / dim;
  return [
    ["mlp_ratio", ratio, from],
    ["swiglu_mlp", shapes.has("blocks.0.mlp.fc1_g.weight"), from],
    ["scale_mlp", shapes.has("blocks.0.mlp.norm.weight"), from],
  ];
}

/** See `Architecture.recognise`. */
export function recogniseBeit(tensors: TensorShapes, arch: Spec | undefined): Recognised | undefined {
  const table = tensors.get(OWN) ?? tensors.get(SHARED);
  const has = (name: string): boolean => tensors.has(name);
  if (table === undefined || !has("blocks.0.attn.qkv.weight") || !has("cls_token")) return undefined;
  const patch = tensors.get("patch_embed.proj.weight")?.dims.slice(2) ?? [];
  if (patch.length !== 2) return undefined;
  const asked = arch && timmArchitecture(arch.name);
  if (arch !== undefined && asked?.class !== "Beit")
    throw new VitreousError(
      `these are the tensors of timm's BEiT, and "${arch.name}" is none of its names: give --arch as in --arch ${USUAL}`,
    );
  const name = splitName(arch?.name ?? USUAL).architecture;
  const given = arch === undefined ? {} : argumentsOf(arch);
  const [rows = 0, heads = 0] = table.dims;
  const grid = squareFor(rows);
  if (grid === undefined && !("img_size" in given)) {
    throw new VitreousError(
      `the tables of relative positions have ${rows} rows, which are for no square grid: give --arch ${name}:img_size=HxW`,
    );
  }
  const where = has(OWN) ? OWN : SHARED;
  const { dim, stated } = modelShapes(tensors);
  const fcNorm = has("fc_norm.weight");
  const found: readonly Stated[] = [
    ...stated,
    ["num_heads", heads, `the shape of ${where}`],
    ...(grid === undefined
      ? []
      : [
          [
            "img_size",
            patch.map((length) => length * grid[0]),
            `the shape of ${where}, taken as a square grid`,
          ] as const,
        ]),
    ...mlpArguments(tensors, dim),
    ["qkv_bias", has("blocks.0.attn.q_bias"), "the name of blocks.0.attn.q_bias"],
    ["init_values", has("blocks.0.gamma_1") ? 1 : null, "the name of blocks.0.gamma_1"],
    ["use_abs_pos_emb", has("pos_embed"), "the name of pos_embed"],
    ["use_rel_pos_bias", has(OWN), `the name of ${OWN}`],
    ["use_shared_rel_pos_bias", has(SHARED), `the name of ${SHARED}`],
    ["use_fc_norm", fcNorm, "the name of fc_norm"],
    ["global_pool", fcNorm ? "avg" : "token", "the name of fc_norm"],
  ];
  const architecture: Stated = ["architecture", name, "the names of tensors"];
  return {
    description: {
      library: "timm",
      architecture: name,
      classes: undefined,
      pool: undefined,
      args: { ...valuesOf(found), ...given },
      pretrained: undefined,
      labels: undefined,
    },
    inferred: inferredFrom(arch === undefined ? [architecture, ...found] : found, given),
  };
}

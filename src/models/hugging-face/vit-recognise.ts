/**
 * @file A state dict of transformers without its config.json: what the names and shapes of its tensors say of the model,
 * and what only its user can.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Spec } from "../../spec.js";
import type { Inferred, Recognised } from "../architecture.js";
import { argumentsOf } from "../argument.js";
import type { TensorShapes } from "../stored-tensor.js";
import { dinov2Hidden, isVitModelType, readVitConfig, type VitModelType } from "./vit-config.js";
import { blocksPath, trunkPrefix } from "./vit-names.js";

/** Tensors of models that resemble these and are others: BEiT, YOLOS. */
const OTHERS = /(^|\.)(lambda_1|relative_position_bias_table|detection_tokens)$/;

interface Trunk {
  readonly prefix: string;
  readonly first: string;
  readonly type: VitModelType;
}

/** Undefined where the tensors are of something else. */
function findTrunk(tensors: TensorShapes): Trunk | undefined {
  const prefix = trunkPrefix(tensors);
  if (prefix === undefined) return undefined;
  const embedding = (name: string): boolean => tensors.has(`${prefix}embeddings.${name}`);
  if (!embedding("cls_token") || !embedding("position_embeddings")) return undefined;
  if ([...tensors.keys()].some((name) => OTHERS.test(name))) return undefined;
  const first = `${blocksPath(tensors, prefix)}0.`;
  const block = (name: string): boolean => tensors.has(first + name);
  if (block("layer_scale1.lambda1") && block("norm1.weight")) {
    const type = embedding("register_tokens") ? "dinov2_with_registers" : "dinov2";
    return { prefix, first, type };
  }
  if (!block("layernorm_before.weight") && !block("layernorm_before.gamma")) return undefined;
  if (embedding("distillation_token")) return { prefix, first, type: "deit" };
  return { prefix, first, type: tensors.has("decoder.decoder_embed.weight") ? "vit_mae" : "vit" };
}

/** Types whose tensors have the same names: only their defaults differ. */
const SAME: readonly (readonly VitModelType[])[] = [["vit", "vit_msn", "vit_mae"]];

function typeOf({ type }: Trunk, arch: Spec | undefined): VitModelType {
  if (arch === undefined || arch.name === type) return type;
  const alike = SAME.find((types) => types.includes(type)) ?? [];
  if (isVitModelType(arch.name) && alike.includes(arch.name)) return arch.name;
  throw new VitreousError(
    `the tensors are of Hugging Face's ${type}, not of ${arch.name}: give --arch ${type}`,
  );
}

/** "ViTForImageClassification": the class that has these tensors. */
function classOf(type: VitModelType, tensors: TensorShapes): string {
  const names: Readonly<Record<VitModelType, string>> = {
    vit: "ViT",
    deit: "DeiT",
    vit_mae: "ViTMAE",
    vit_msn: "ViTMSN",
    dinov2: "Dinov2",
    dinov2_with_registers: "Dinov2WithRegisters",
  };
  if (tensors.has("cls_classifier.weight")) return `${names[type]}ForImageClassificationWithTeacher`;
  if (tensors.has("classifier.weight")) return `${names[type]}ForImageClassification`;
  if (type === "vit_mae") return "ViTMAEForPreTraining";
  return tensors.has("decoder.0.weight") ? `${names[type]}ForMaskedImageModeling` : `${names[type]}Model`;
}

/** What shapes do not say. */
const KEYS = ["num_attention_heads", "image_size", "hidden_act", "layer_norm_eps"];

function stated(
  arch: Spec | undefined,
  type: VitModelType,
  fields: readonly string[],
): Readonly<Record<string, unknown>> {
  const known = [...new Set([...KEYS, ...fields])];
  const unknown = Object.keys(arch?.parameters ?? {}).filter((key) => !known.includes(key));
  if (unknown.length > 0)
    throw new VitreousError(
      `--arch ${type}: there is no parameter ${unknown.join(", ")} (there are: ${known.join(", ")})`,
    );
  return arch === undefined ? {} : argumentsOf(arch);
}

/** The mlp_ratio that gives the hidden features which the tensors have; the library's default where it does. */
function ratioFor(dim: number, hidden: number, gated: boolean): number {
  const exact = gated ? (1.5 * hidden) / dim : hidden / dim;
  return [4, exact].find((ratio) => dinov2Hidden(dim, ratio, gated) === hidden) ?? exact;
}

/** What shapes say, as fields of config.json, with the tensor that says it. */
function fromShapes(tensors: TensorShapes, trunk: Trunk): readonly (readonly [string, unknown, string])[] {
  const { prefix, first, type } = trunk;
  const dims = (name: string): readonly number[] => tensors.get(name)?.dims ?? [];
  const projection = `${prefix}embeddings.patch_embeddings.projection.weight`;
  const [dim = 0, channels = 0, height = 0, width = 0] = dims(projection);
  const path = first.slice(0, -"0.".length);
  const numbers = [...tensors.keys()].flatMap((name) =>
    name.startsWith(path) ? [Number.parseInt(name.slice(path.length), 10)] : [],
  );
  const rows = dims(`${prefix}embeddings.position_embeddings`)[1] ?? 0;
  const patches = rows - (type === "deit" ? 2 : 1);
  const side = Math.round(Math.sqrt(patches));
  const query = ["attention.attention.query", "attention.q_proj"].map((m) => `${first}${m}.bias`);
  const fields: (readonly [string, unknown, string])[] = [
    ["hidden_size", dim, projection],
    ["num_channels", channels, projection],
    ["patch_size", [height, width], projection],
    ["num_hidden_layers", Math.max(...numbers) + 1, `the names ${path}…`],
    ["qkv_bias", query.some((name) => tensors.has(name)), `the names ${first}…`],
  ];
  if (side * side === patches) {
    const image = [side * height, side * width];
    fields.push(["image_size", image, `${prefix}embeddings.position_embeddings, taken as a square grid`]);
  }
  const hidden = (...modules: readonly string[]): readonly [number, string] => {
    const name = modules.map((m) => `${first}${m}.weight`).find((n) => tensors.has(n)) ?? "";
    return [dims(name)[1] ?? 0, name];
  };
  if (type === "dinov2" || type === "dinov2_with_registers") {
    const [width2, name] = hidden("mlp.fc2", "mlp.weights_out", "mlp.down_proj");
    const gated = !name.includes("fc2");
    fields.push(["use_swiglu_ffn", gated, name], ["mlp_ratio", ratioFor(dim, width2, gated), name]);
    const registers = `${prefix}embeddings.register_tokens`;
    if (type === "dinov2_with_registers")
      fields.push(["num_register_tokens", dims(registers)[1] ?? 0, registers]);
  } else {
    const [width2, name] = hidden("output.dense", "mlp.fc2");
    fields.push(["intermediate_size", width2, name]);
  }
  return fields;
}

const inWords = (value: unknown): string => (Array.isArray(value) ? value.join("×") : String(value));

/** Fields that leave no trace in the tensors. */
function defaultsOf(modelType: VitModelType): readonly (readonly [string, unknown])[] {
  const description = {
    library: "hugging-face",
    modelType,
    architectures: [],
    json: {},
    labels: undefined,
  } as const;
  const { epsilon, activation } = readVitConfig(description);
  return [
    ["layer_norm_eps", epsilon],
    ["hidden_act", activation],
  ];
}

/** transformers' default, and the width for which it is right. */
const DEFAULT_HEADS = { heads: 12, dim: 768 };

/** See `Architecture.recognise`. */
export function recogniseVit(tensors: TensorShapes, arch: Spec | undefined): Recognised | undefined {
  const trunk = findTrunk(tensors);
  if (trunk === undefined || (arch !== undefined && !isVitModelType(arch.name))) return undefined;
  const type = typeOf(trunk, arch);
  const shapes = fromShapes(tensors, { ...trunk, type });
  const given = stated(
    arch,
    type,
    shapes.map(([name]) => name),
  );
  const json: Record<string, unknown> = Object.fromEntries(shapes);
  const inferred: Inferred[] = shapes
    .filter(([name]) => !(name in given))
    .map(([name, value, from]) => ({ name, value: inWords(value), from }));
  for (const [name, value] of defaultsOf(type)) {
    if (!(name in given)) inferred.push({ name, value: inWords(value), from: `the default of ${type}` });
  }
  if (!("image_size" in json || "image_size" in given))
    throw new VitreousError(
      `the position embeddings are on no square grid: give --arch ${type}:image_size=HxW`,
    );
  if (!("num_attention_heads" in given)) {
    const { heads, dim } = DEFAULT_HEADS;
    if (arch === undefined || json.hidden_size !== dim) {
      throw new VitreousError(
        `the tensors are of Hugging Face's ${type}, which do not say how many attention heads it has: give --arch ${type}:num_attention_heads=N (published models have ${Math.max(1, Math.round(Number(json.hidden_size) / 64))} at a width of ${json.hidden_size})`,
      );
    }
    json.num_attention_heads = heads;
    inferred.push({ name: "num_attention_heads", value: String(heads), from: `the default of ${type}` });
  }
  return {
    description: {
      library: "hugging-face",
      modelType: type,
      architectures: [classOf(type, tensors)],
      json: { ...json, ...given },
      labels: undefined,
    },
    inferred,
  };
}

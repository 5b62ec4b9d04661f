/**
 * @file config.json of the classes that a trained model is saved as, with every field that transformers writes: its
 * defaults differ between versions, and a field that is stated cannot.
 */
import { VitreousError } from "../../../onnx/errors.js";
import type { Size } from "../../architecture.js";
import type { Activation } from "../../layers.js";
import type { HuggingFaceDescription } from "../config.js";

/** Models that classify, by type. */
export const CLASSIFIERS = {
  vit: "ViTForImageClassification",
  deit: "DeiTForImageClassification",
  dinov2: "Dinov2ForImageClassification",
  dinov2_with_registers: "Dinov2WithRegistersForImageClassification",
  swin: "SwinForImageClassification",
  swinv2: "Swinv2ForImageClassification",
} as const;

export type ClassifierType = keyof typeof CLASSIFIERS;

export const TEACHER = "DeiTForImageClassificationWithTeacher";

export const isClassifierType = (name: string): name is ClassifierType => Object.hasOwn(CLASSIFIERS, name);

const TRAINING = {
  hidden_dropout_prob: 0,
  attention_probs_dropout_prob: 0,
  initializer_range: 0.02,
};

const TRUNK = {
  ...TRAINING,
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  hidden_act: "gelu",
  image_size: 224,
  num_channels: 3,
  qkv_bias: true,
};

const PLAIN = {
  ...TRUNK,
  intermediate_size: 3072,
  layer_norm_eps: 1e-12,
  patch_size: 16,
  encoder_stride: 16,
  pooler_act: "tanh",
};

const DINOV2 = {
  ...TRUNK,
  mlp_ratio: 4,
  layer_norm_eps: 1e-6,
  layerscale_value: 1,
  drop_path_rate: 0,
  use_swiglu_ffn: false,
  apply_layernorm: true,
  reshape_hidden_states: true,
};

const SWIN = {
  ...TRAINING,
  image_size: 224,
  patch_size: 4,
  num_channels: 3,
  embed_dim: 96,
  depths: [2, 2, 6, 2],
  num_heads: [3, 6, 12, 24],
  window_size: 7,
  mlp_ratio: 4,
  qkv_bias: true,
  drop_path_rate: 0.1,
  hidden_act: "gelu",
  use_absolute_embeddings: false,
  layer_norm_eps: 1e-5,
  encoder_stride: 32,
};

/** transformers' defaults, which hold for what a configuration leaves out. */
const DEFAULTS: Readonly<Record<ClassifierType, Readonly<Record<string, unknown>>>> = {
  vit: PLAIN,
  deit: PLAIN,
  dinov2: { ...DINOV2, patch_size: 14, use_mask_token: true },
  dinov2_with_registers: { ...DINOV2, patch_size: 16, num_register_tokens: 4 },
  swin: SWIN,
  swinv2: { ...SWIN, pretrained_window_sizes: [0, 0, 0, 0] },
};

/** What a configuration of this type can say of the model. */
export const fieldsOf = (type: ClassifierType): readonly string[] => Object.keys(DEFAULTS[type]);

/** Fields that say who wrote the file, or the same as others in older words. */
const LEFT = ["transformers_version", "_name_or_path", "num_labels", "torch_dtype", "problem_type"];

/** What follows from other fields and is stated all the same. */
function following(type: ClassifierType, json: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (type === "vit" || type === "deit") {
    return { pooler_output_size: json.pooler_output_size ?? json.hidden_size };
  }
  const swin = type === "swin" || type === "swinv2";
  const depths = Array.isArray(json.depths) ? json.depths.length : 0;
  const stages = swin ? depths : Number(json.num_hidden_layers);
  const width = swin ? { hidden_size: Number(json.embed_dim) * 2 ** (stages - 1), num_layers: stages } : {};
  return {
    ...width,
    stage_names: ["stem", ...Array.from({ length: stages }, (_, i) => `stage${i + 1}`)],
    out_features: [`stage${stages}`],
    out_indices: [stages],
  };
}

/** One number for a square. */
export const sideOrPair = ([height, width]: Size): number | Size =>
  height === width ? height : [height, width];

const ACTIVATIONS: Readonly<Record<Activation, string>> = {
  gelu: "gelu",
  gelu_tanh: "gelu_pytorch_tanh",
  quick_gelu: "quick_gelu",
  silu: "silu",
  relu: "relu",
};

/** transformers' name for it. */
export const activationName = (activation: Activation): string => ACTIVATIONS[activation];

/**
 * A classifier's complete configuration: for a model to be trained from nothing, and for a translated one.
 *
 * @param fields in transformers' words; those that are left out have its defaults
 * @param architecture its class, where it is not the type's usual one
 * @throws VitreousError where there are no classes
 */
export function configured(
  modelType: ClassifierType,
  fields: Readonly<Record<string, unknown>>,
  labels: readonly string[],
  architecture: string = CLASSIFIERS[modelType],
): HuggingFaceDescription {
  if (labels.length === 0) throw new VitreousError("a classifier needs at least one class.");
  const kept = Object.entries(fields).filter(([field]) => !LEFT.includes(field));
  const stated = { ...DEFAULTS[modelType], ...Object.fromEntries(kept) };
  const json = {
    ...stated,
    ...following(modelType, stated),
    architectures: [architecture],
    model_type: modelType,
    id2label: Object.fromEntries(labels.map((label, i) => [String(i), label])),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
    problem_type: "single_label_classification",
    dtype: "float32",
  };
  return { library: "hugging-face", modelType, architectures: [architecture], json, labels };
}

/**
 * @file What transformers calls the modules of its plain vision transformers. Files on the hub have the names of
 * transformers 4, which version 5 still writes; a state dict saved by hand from version 5 has its modules' new names. All
 * are taken from the checkpoint, part by part.
 */
import type { TensorShapes } from "../stored-tensor.js";
import type { BlockNames } from "../vit.js";
import type { VitConfig, VitModelType } from "./vit-config.js";

/** The trunk's own name inside of a model with a head; none where the trunk was saved alone. */
const PREFIXES = ["", "vit.", "deit.", "dinov2.", "dinov2_with_registers."];

/** Under which prefix a trunk's tensors are; undefined where there is no such trunk. */
export const trunkPrefix = (tensors: TensorShapes): string | undefined =>
  PREFIXES.find((prefix) => tensors.has(`${prefix}embeddings.patch_embeddings.projection.weight`));

/** What the trunk is called inside of a model of this type. */
export const trunkName = (type: VitModelType): string =>
  type === "vit_mae" || type === "vit_msn" ? "vit." : `${type}.`;

/**
 * "vit.encoder.layer." or "vit.layers.", in front of the block's number; "encoder.layer." in the files that transformers 5
 * writes of ViTMSNForImageClassification.
 */
export function blocksPath(tensors: TensorShapes, prefix: string): string {
  const usual = `${prefix}encoder.layer.`;
  const paths = [`${prefix}layers.`, usual, "encoder.layer."];
  return paths.find((path) => [...tensors.keys()].some((name) => name.startsWith(path))) ?? usual;
}

/** The names of block `index`, as the checkpoint has them. */
export function blockNames(
  tensors: TensorShapes,
  config: VitConfig,
  prefix: string,
): (index: number) => BlockNames {
  const path = blocksPath(tensors, prefix);
  const has = (module: string): boolean => tensors.has(`${path}0.${module}.weight`);
  const [newAttention, newMlp, splitGate] = [has("attention.q_proj"), has("mlp.fc1"), has("mlp.gate_proj")];
  return (index) => {
    const scope = `${path}${index}`;
    const at = (module: string): string => `${scope}.${module}`;
    const inner = newAttention ? at("attention") : at("attention.attention");
    const qkv = (newAttention ? ["q_proj", "k_proj", "v_proj"] : ["query", "key", "value"]).map(
      (part) => `${inner}.${part}`,
    );
    const [query = "", key = "", value = ""] = qkv;
    const attention = {
      scope: inner,
      qkv: [query, key, value] as const,
      biases: qkv.map((module) => (config.biased ? `${module}.bias` : undefined)),
      proj: newAttention ? at("attention.o_proj") : at("attention.output.dense"),
    };
    const { activation } = config;
    if (config.dinov2) {
      const gate = splitGate
        ? { gate: at("mlp.gate_proj"), value: at("mlp.up_proj") }
        : { packed: at("mlp.weights_in") };
      const feed = config.gated
        ? { fc1: gate, act: at("mlp"), activation, fc2: at(splitGate ? "mlp.down_proj" : "mlp.weights_out") }
        : { fc1: at("mlp.fc1"), act: at("mlp.activation"), activation, fc2: at("mlp.fc2") };
      return {
        scope,
        norm1: at("norm1"),
        attention,
        scale1: at("layer_scale1.lambda1"),
        norm2: at("norm2"),
        feed,
        scale2: at("layer_scale2.lambda1"),
      };
    }
    const feed = newMlp
      ? { fc1: at("mlp.fc1"), act: at("mlp.activation_fn"), activation, fc2: at("mlp.fc2") }
      : {
          fc1: at("intermediate.dense"),
          act: at("intermediate.intermediate_act_fn"),
          activation,
          fc2: at("output.dense"),
        };
    return { scope, norm1: at("layernorm_before"), attention, norm2: at("layernorm_after"), feed };
  };
}

/**
 * Under which name a tensor is stored: norms of the oldest files have "gamma" and "beta", which transformers renames
 * when it loads them.
 */
export const storedName =
  (tensors: TensorShapes) =>
  (name: string): string => {
    if (tensors.has(name)) return name;
    const old = name.replace(/\.weight$/, ".gamma").replace(/\.bias$/, ".beta");
    return tensors.has(old) ? old : name;
  };

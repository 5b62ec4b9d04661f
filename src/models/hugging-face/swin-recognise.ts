/**
 * @file A state dict of transformers' Swin or Swin V2 without its config.json: what the shapes of its tensors say, and
 * what only its user can.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Spec } from "../../spec.js";
import type { Recognised } from "../architecture.js";
import { argumentsOf } from "../argument.js";
import type { TensorShapes } from "../stored-tensor.js";
import { type Finding, type SwinShapes, settle, swinShapes } from "../swin-shapes.js";

/** What shapes do not say, or not always. */
const KEYS = ["image_size", "window_size", "pretrained_window_sizes", "hidden_act", "layer_norm_eps"];

const NAMED = /^swin(v2)?\.(?=embeddings\.)/;

interface Found {
  readonly prefix: string;
  readonly shapes: SwinShapes;
}

function find(tensors: TensorShapes): Found | undefined {
  const names = [...tensors.keys()];
  const prefix = names.map((name) => NAMED.exec(name)?.[0]).find((found) => found !== undefined) ?? "";
  const block = (stage: number, i: number): string => `${prefix}encoder.layers.${stage}.blocks.${i}.`;
  // In memory, transformers 5 has other names than in files.
  const inMemory = tensors.has(`${block(0, 0)}attention.q_proj.weight`);
  const shapes = swinShapes(tensors, {
    patches: `${prefix}embeddings.patch_embeddings.projection.weight`,
    block,
    mark: "layernorm_before.weight",
    fc1: inMemory ? "mlp.fc1.weight" : "intermediate.dense.weight",
    attention: inMemory ? "attention." : "attention.self.",
    table: `${inMemory ? "relative_position_bias." : ""}relative_position_bias_table`,
  });
  return shapes && { prefix, shapes };
}

function findingsOf(tensors: TensorShapes, { prefix, shapes }: Found, type: string): readonly Finding[] {
  const { second, channels, patch, embedDim, depths, heads, mlpRatio, windows, windowTensor } = shapes;
  const projection = `the shape of ${prefix}embeddings.patch_embeddings.projection.weight`;
  const positions = `${prefix}embeddings.position_embeddings`;
  const across = Math.sqrt(tensors.get(positions)?.dims[1] ?? 0.5);
  const query = ["attention.self.query.bias", "attention.q_proj.bias"];
  const biased = query.some((name) => tensors.has(`${prefix}encoder.layers.0.blocks.0.${name}`));
  const [window] = windows;
  const [head] = tensors.get("classifier.weight")?.dims ?? [];
  return [
    ["num_channels", channels, projection],
    ["patch_size", patch, projection],
    ["embed_dim", embedDim, projection],
    ["depths", depths, "the number of blocks"],
    ["num_heads", heads, second ? "the shapes of logit_scale" : "the shapes of relative_position_bias_table"],
    ...(window ? [["window_size", window[0], `the shape of ${windowTensor}`] as const] : []),
    ["mlp_ratio", mlpRatio, "the shape of the first block's MLP"],
    ["qkv_bias", biased, "the names of the first block's attention"],
    ["use_absolute_embeddings", tensors.has(positions), `${positions} ${across < 1 ? "not " : ""}there`],
    ["image_size", 224, `the default of ${type}`],
    ...(Number.isInteger(across)
      ? [["image_size", patch.map((side) => side * across), `the shape of ${positions}`] as const]
      : []),
    ["hidden_act", "gelu", `the default of ${type}`],
    ["layer_norm_eps", 1e-5, `the default of ${type}`],
    ...(head === undefined ? [] : [["num_labels", head, "the shape of classifier.weight"] as const]),
  ];
}

/** See `Architecture.recognise`. */
export function recogniseSwin(tensors: TensorShapes, arch: Spec | undefined): Recognised | undefined {
  const found = find(tensors);
  if (found === undefined) return undefined;
  const { second } = found.shapes;
  const type = second ? "swinv2" : "swin";
  const give = (what: string): VitreousError =>
    new VitreousError(`the tensors are of Hugging Face's ${type}${what}`);
  if (arch === undefined) {
    throw give(
      `, which do not tell the size of the images: give --arch ${type}:image_size=224${second ? ",window_size=8" : ""}`,
    );
  }
  if (arch.name !== type) throw give(`, not of ${arch.name}: give --arch ${type}`);
  const findings = findingsOf(tensors, found, type);
  const known = [...new Set([...KEYS, ...findings.map(([name]) => name)])];
  const unknown = Object.keys(arch.parameters).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    throw new VitreousError(
      `--arch ${type}: there is no parameter ${unknown.join(", ")} (there are: ${known.join(", ")})`,
    );
  }
  const stated = argumentsOf(arch);
  const { args, inferred } = settle(findings, stated);
  // Of Swin V2's windows, newer files have no trace.
  if (args.window_size === undefined) {
    throw give(", which do not tell the size of the windows: give --arch swinv2:window_size=8");
  }
  const name = second ? "Swinv2" : "Swin";
  return {
    description: {
      library: "hugging-face",
      modelType: type,
      architectures: [tensors.has("classifier.weight") ? `${name}ForImageClassification` : `${name}Model`],
      json: args,
      labels: undefined,
    },
    inferred,
  };
}

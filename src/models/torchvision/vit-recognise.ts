/** @file A state dict of torchvision's ViT: all of the class's arguments follow from shapes, but for the number of heads. */
import { VitreousError } from "../../onnx/errors.js";
import type { Spec } from "../../spec.js";
import type { Inferred, Recognised } from "../architecture.js";
import type { TensorShapes } from "../stored-tensor.js";
import { PRESETS, presetOf } from "./vit-presets.js";

const POSITIONS = "encoder.pos_embedding";
const PROJECTION = "conv_proj.weight";
const BLOCK = /^encoder\.layers\.encoder_layer_(\d+)\./;

/**
 * The module that classifies: `heads.head`, or what a user put in its place (`heads`, `heads.0`). Undefined where there is
 * none.
 *
 * @throws VitreousError for several layers, between which anything may be
 */
export function classifierIn(tensors: TensorShapes): string | undefined {
  const layers = [...tensors.keys()].flatMap((name) => /^(heads(?:\..+)?)\.weight$/.exec(name)?.[1] ?? []);
  const others = layers.filter((module) => module !== "heads.pre_logits");
  if (others.length > 1) {
    throw new VitreousError(
      `the classifier has ${others.length} layers (${others.join(", ")}), and a state dict does not say what is between them: export the model to ONNX and open the .onnx file instead`,
    );
  }
  return others[0];
}

const unsettled = (what: string): VitreousError =>
  new VitreousError(
    `the tensors are of torchvision's VisionTransformer, which do not say ${what}: give --arch ${Object.keys(PRESETS).join(" | ")}, with :num_heads=N where it is another number`,
  );

/** The value of a parameter that must be a whole number; "64x64" is 64. */
function whole(arch: Spec, name: string): number | undefined {
  const text = arch.parameters[name];
  if (text === undefined) return undefined;
  const [first = "", second = first] = text.split("x");
  const value = Number(first);
  if (first === second && Number.isInteger(value) && value > 0) return value;
  throw new VitreousError(`--arch ${arch.name}: ${name} must be one whole number, not "${text}"`);
}

/** See `Architecture.recognise`. */
export function recogniseVit(tensors: TensorShapes, arch: Spec | undefined): Recognised | undefined {
  const dims = (name: string): readonly number[] => tensors.get(name)?.dims ?? [];
  const numbers = [...tensors.keys()].flatMap((name) => {
    const match = BLOCK.exec(name);
    return match ? [Number(match[1])] : [];
  });
  if (!tensors.has(POSITIONS) || !tensors.has("class_token") || numbers.length === 0) return undefined;
  if (arch !== undefined && presetOf(arch.name) === undefined) return undefined;
  if (!tensors.has(PROJECTION)) {
    if (![...tensors.keys()].some((name) => name.startsWith("conv_proj."))) return undefined;
    throw new VitreousError(
      "the tensors are of torchvision's VisionTransformer with a convolutional stem, which is not supported: export the model to ONNX and open the .onnx file instead",
    );
  }
  const preset = arch && presetOf(arch.name);
  if (arch === undefined || preset === undefined) throw unsettled("how many heads it has");
  const [dim = 0, , patch = 0] = dims(PROJECTION);
  const rows = (dims(POSITIONS)[1] ?? 1) - 1;
  const side = Math.round(Math.sqrt(rows));
  if (side * side !== rows)
    throw new VitreousError(`${POSITIONS} has ${rows} rows for patches, which are no square grid`);
  const first = "encoder.layers.encoder_layer_0.mlp";
  const mlp = [`${first}.0.weight`, `${first}.linear_1.weight`].find((name) => tensors.has(name)) ?? "";
  const classifier = classifierIn(tensors);
  const represented = "heads.pre_logits.weight";
  const facts: readonly (readonly [string, number | undefined, string])[] = [
    ["num_heads", preset.num_heads, arch.name],
    ["image_size", side * patch, POSITIONS],
    ["patch_size", patch, PROJECTION],
    ["num_layers", Math.max(...numbers) + 1, "the names encoder.layers.encoder_layer_…"],
    ["hidden_dim", dim, PROJECTION],
    ["mlp_dim", dims(mlp)[0], mlp],
    [
      "num_classes",
      classifier === undefined ? 0 : dims(`${classifier}.weight`)[0],
      `${classifier ?? "no head"}`,
    ],
    ["representation_size", dims(represented)[0], represented],
  ];
  const known = facts.map(([name]) => name);
  const unknown = Object.keys(arch.parameters).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    throw new VitreousError(
      `--arch ${arch.name}: there is no parameter ${unknown.join(", ")} (there are: ${known.join(", ")})`,
    );
  }
  const args: Record<string, number> = {};
  const inferred: Inferred[] = [];
  for (const [name, value, from] of facts) {
    const stated = whole(arch, name);
    if (stated === undefined && value !== undefined) inferred.push({ name, value: String(value), from });
    const settled = stated ?? value;
    if (settled !== undefined) args[name] = settled;
  }
  return { description: { library: "torchvision", architecture: arch.name, args }, inferred };
}

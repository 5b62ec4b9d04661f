/**
 * @file transformers' plain vision transformers from their checkpoints: ViT, DeiT with one head or two, DINOv2 with and
 * without registers, and the trunks of models pretrained by other means (MAE, MSN, masked image modelling).
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Architecture, Plan, PlanOptions, Size } from "../architecture.js";
import type { Description } from "../description.js";
import { withBiases } from "../layers.js";
import { renamed } from "../renamed.js";
import type { TensorShapes } from "../stored-tensor.js";
import {
  gridOf,
  type Positions,
  type PrefixTokens,
  prefixLength,
  type VitHead,
  withFeatures,
  writeVit,
} from "../vit.js";
import type { HuggingFaceDescription } from "./config.js";
import { isVitModelType, readVitConfig, type VitConfig, type VitModelType } from "./vit-config.js";
import { blockNames, storedName, trunkName, trunkPrefix } from "./vit-names.js";
import { recogniseVit } from "./vit-recognise.js";

type Kind = "classifier" | "two classifiers" | "trunk";

/** Classes of transformers, and what of them is taken. Of a model with a decoder, the trunk. */
const CLASSES: Readonly<Record<VitModelType, Readonly<Record<string, Kind>>>> = {
  vit: {
    ViTForImageClassification: "classifier",
    ViTModel: "trunk",
    ViTForMaskedImageModeling: "trunk",
  },
  deit: {
    DeiTForImageClassification: "classifier",
    DeiTForImageClassificationWithTeacher: "two classifiers",
    DeiTModel: "trunk",
    DeiTForMaskedImageModeling: "trunk",
  },
  vit_mae: { ViTMAEModel: "trunk", ViTMAEForPreTraining: "trunk" },
  vit_msn: { ViTMSNForImageClassification: "classifier", ViTMSNModel: "trunk" },
  dinov2: { Dinov2ForImageClassification: "classifier", Dinov2Model: "trunk", Dinov2Backbone: "trunk" },
  dinov2_with_registers: {
    Dinov2WithRegistersForImageClassification: "classifier",
    Dinov2WithRegistersModel: "trunk",
    Dinov2WithRegistersBackbone: "trunk",
  },
};

/** What the class that saved the checkpoint makes of the trunk; where none is named, what its tensors say. */
function kindOf({ architectures }: HuggingFaceDescription, type: VitModelType, tensors: TensorShapes): Kind {
  const known = CLASSES[type];
  const [name] = architectures;
  if (name === undefined) {
    if (tensors.has("cls_classifier.weight")) return "two classifiers";
    return tensors.has("classifier.weight") ? "classifier" : "trunk";
  }
  const kind = Object.hasOwn(known, name) ? known[name] : undefined;
  if (kind !== undefined) return kind;
  throw new VitreousError(
    `config.json: the class ${name} is not supported for model_type "${type}"; supported are ${Object.keys(known).join(", ")}.`,
  );
}

/** The image size that the graph takes. DINOv2 takes images of any size, so the processor's settings decide. */
const imageOf = ({ image, dinov2 }: VitConfig, options: PlanOptions): Size =>
  options.image ?? (dinov2 ? options.prepared : undefined) ?? image;

/**
 * transformers, interpolate_pos_encoding: positions are taken to be on a square grid unless nothing is interpolated.
 * DINOv2 calls it for every picture, the others on demand.
 */
function positionsOf(config: VitConfig, prefix: string, image: Size): Positions {
  const name = `${prefix}embeddings.position_embeddings`;
  const interpolation = config.modelType === "dinov2_with_registers" ? "bicubic-antialias" : "bicubic";
  const own = gridOf(config.image, config.patch);
  const [rows, columns] = gridOf(image, config.patch);
  const count = own[0] * own[1];
  const asTrained = !config.dinov2 && image[0] === config.image[0] && image[1] === config.image[1];
  if (asTrained || (rows * columns === count && image[0] === image[1])) {
    return { name, grid: [rows, columns], interpolation };
  }
  const side = Math.floor(Math.sqrt(count));
  if (side * side === count) return { name, grid: [side, side], interpolation };
  throw new VitreousError(
    `images of ${image.join("×")} need position embeddings on a grid of ${rows}×${columns}, and transformers interpolates them from a square grid only: this checkpoint has ${own.join("×")} (config.json: image_size ${config.image.join("×")}).`,
  );
}

/** In front of the patches, in transformers' order. */
function prefixOf({ modelType, registers }: VitConfig, prefix: string): readonly PrefixTokens[] {
  const tokens = (name: string, count: number, positioned: boolean): PrefixTokens => ({
    name: `${prefix}embeddings.${name}`,
    count,
    positioned,
  });
  return [
    tokens("cls_token", 1, true),
    ...(modelType === "deit" ? [tokens("distillation_token", 1, true)] : []),
    ...(registers > 0 ? [tokens("register_tokens", registers, false)] : []),
  ];
}

function headOf(kind: Kind, config: VitConfig, prefixTokens: number, classes: number): VitHead {
  const scope = "pool";
  const token = { kind: "token" } as const;
  if (kind === "trunk") return { pooling: token, scope, classifiers: [], classes: 0 };
  const pooling = config.dinov2 ? ({ kind: "token-and-mean", from: prefixTokens } as const) : token;
  const classifiers =
    kind === "classifier"
      ? (["classifier"] as const)
      : (["cls_classifier", "distillation_classifier"] as const);
  return { pooling, scope, classifiers, classes };
}

/** The number of classes: the rows of the classifier's weight, with which the configuration must agree. */
function classesOf(
  kind: Kind,
  config: VitConfig,
  tensors: TensorShapes,
  labels: readonly string[] | undefined,
): number {
  if (kind === "trunk") return 0;
  const name = kind === "classifier" ? "classifier.weight" : "cls_classifier.weight";
  const rows = tensors.get(name)?.dims[0];
  if (rows !== undefined && config.labels !== undefined && config.labels !== rows) {
    throw new VitreousError(
      `config.json says num_labels ${config.labels}, but ${name} has ${rows} rows: it belongs to other weights.`,
    );
  }
  // For the message about the missing tensor, in the end with transformers' own default.
  return rows ?? config.labels ?? labels?.length ?? 2;
}

const NOTES: Readonly<Record<string, string>> = {
  vit_mae: "The masked autoencoder's trunk is taken, with no patch masked; its decoder is left out.",
  ViTForMaskedImageModeling: "The trunk is taken; the decoder of masked image modelling is left out.",
  DeiTForMaskedImageModeling: "The trunk is taken; the decoder of masked image modelling is left out.",
};

function plan(description: Description, tensors: TensorShapes, options: PlanOptions): Plan {
  if (description.library !== "hugging-face")
    throw new RangeError("only transformers' descriptions are read");
  const config = readVitConfig(description);
  const { modelType, dim, depth, heads, hidden, channels, patch, epsilon } = config;
  const kind = kindOf(description, modelType, tensors);
  const image = imageOf(config, options);
  if (patch[0] > image[0] || patch[1] > image[1])
    throw new VitreousError(
      `images of ${image.join("×")} are smaller than a patch, ${patch.join("×")} pixels.`,
    );
  const trunk = trunkPrefix(tensors) ?? (kind === "trunk" ? "" : trunkName(modelType));
  const prefix = prefixOf(config, trunk);
  const own = headOf(
    kind,
    config,
    prefixLength(prefix),
    classesOf(kind, config, tensors, description.labels),
  );
  // The class token alone is what a new classifier reads, where it does not say otherwise by its width.
  const bare: VitHead = options.features === "pooled" ? { ...own, pooling: { kind: "token" } } : own;
  const head = withFeatures(bare, options.features, prefix);
  const positions = positionsOf(config, trunk, image);
  const vit = {
    dim,
    depth,
    heads,
    hidden,
    channels,
    image,
    patch,
    epsilon,
    patches: `${trunk}embeddings.patch_embeddings.projection`,
    prefix,
    positions,
    block: blockNames(tensors, config, trunk),
    norm: `${trunk}layernorm`,
    head,
  };
  const unused = new Set([`${trunk}embeddings.mask_token`]);
  if (config.registers === 0) unused.add(`${trunk}embeddings.register_tokens`);
  const leave = (name: string): boolean =>
    unused.has(name) ||
    name.startsWith(`${trunk}pooler.`) ||
    (kind === "trunk" && name.startsWith("decoder."));
  const [stored, wanted] = [positions.grid.join("×"), gridOf(image, patch).join("×")];
  const left = NOTES[description.architectures[0] ?? ""] ?? NOTES[modelType];
  const notes = [
    ...(left === undefined ? [] : [left]),
    ...(stored === wanted
      ? []
      : [`Position embeddings for ${stored} patches were interpolated to ${wanted}.`]),
  ];
  return {
    input: [channels, ...image],
    classes: head.classes,
    write: (site, pixels) => {
      site.weights.leave(leave);
      return writeVit(
        renamed(
          withBiases(site, () => true),
          storedName(tensors),
        ),
        pixels,
        vit,
      );
    },
    network: { kind: "vit", vit, stored: storedName(tensors) },
    notes,
  };
}

export const huggingFaceVit: Architecture = {
  name: "Hugging Face's ViT, DeiT and DINOv2, classifiers and bare trunks (ViTForImageClassification, DeiTForImageClassificationWithTeacher, Dinov2WithRegistersForImageClassification, ViTModel, …)",
  accepts: (description) => description.library === "hugging-face" && isVitModelType(description.modelType),
  plan,
  recognise: recogniseVit,
};

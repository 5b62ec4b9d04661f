/**
 * @file Vision transformers of any library as transformers' ViT, DeiT or DINOv2: the same numbers under other names. Which
 * of them follows from the network: DINOv2 where blocks have LayerScale or a gated MLP or there are registers, DeiT where
 * there is a distillation token, else ViT.
 */
import { VitreousError } from "../../../onnx/errors.js";
import type { Classes } from "../../classes.js";
import { derived, filled, rows, stacked } from "../../derived.js";
import type { StoredTensor } from "../../stored-tensor.js";
import { type BlockNames, gridOf, type Vit } from "../../vit.js";
import { dinov2Hidden } from "../vit-config.js";
import { activationName, type ClassifierType, sideOrPair, TEACHER } from "./configuration.js";
import { refuseTranslation } from "./refusal.js";
import { refuseOthers } from "./vit-refusals.js";
import { positionTable, registerTokens, type Tokens, tokensOf } from "./vit-tokens.js";

/** The checkpoint's tensors under the names of a network's description. */
export interface Source {
  /** What messages call the model. */
  readonly model: string;
  readonly find: (name: string) => StoredTensor | undefined;
}

/** What a translation comes to; the classifier is undefined where it is to be made anew. */
export interface Translated {
  readonly modelType: ClassifierType;
  readonly architecture: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  /** All but the classifiers. */
  readonly trunk: ReadonlyMap<string, StoredTensor>;
  /** Module → the checkpoint's weight and bias, undefined where they are to be made anew. */
  readonly heads: ReadonlyMap<
    string,
    { readonly weight: StoredTensor; readonly bias: StoredTensor } | undefined
  >;
  /** Features that a classifier takes. */
  readonly width: number;
}

type Into = (name: string, tensor: StoredTensor) => void;

export function demand({ model, find }: Source, name: string): StoredTensor {
  const tensor = find(name);
  if (tensor === undefined) throw new VitreousError(`${model}: the checkpoint has no tensor ${name}.`);
  return tensor;
}

/** A module's weight and bias; zeros for a bias that it does not have. */
export function module(source: Source, from: string, to: string, into: Into): void {
  const weight = demand(source, `${from}.weight`);
  into(`${to}.weight`, weight);
  into(`${to}.bias`, source.find(`${from}.bias`) ?? filled([weight.dims[0] ?? 0], 0));
}

/** @param gated whether blocks' MLPs are DINOv2's SwiGLU */
function typeOf(vit: Vit, tokens: Tokens): ClassifierType {
  const { scale1, feed } = vit.block(0);
  const dinov2 = scale1 !== undefined || typeof feed.fc1 !== "string" || tokens.registers !== undefined;
  const both = vit.head.pooling.kind === "token-and-mean";
  if (!dinov2 && !both) return tokens.distillation === undefined ? "vit" : "deit";
  return tokens.registers === undefined ? "dinov2" : "dinov2_with_registers";
}

function attentionInto(
  source: Source,
  { attention }: BlockNames,
  to: string,
  dim: number,
  biased: boolean,
  into: Into,
): void {
  const names = ["query", "key", "value"] as const;
  const { qkv } = attention;
  names.forEach((name, i) => {
    const own = typeof qkv === "string" ? undefined : qkv[i];
    const target = `${to}.attention.attention.${name}`;
    for (const part of biased ? (["weight", "bias"] as const) : (["weight"] as const)) {
      const tensor =
        own === undefined ? source.find(`${String(qkv)}.${part}`) : source.find(`${own}.${part}`);
      if (tensor === undefined) into(`${target}.${part}`, filled([dim], 0));
      else into(`${target}.${part}`, own === undefined ? rows(tensor, i * dim, dim) : tensor);
    }
  });
  module(source, attention.proj, `${to}.attention.output.dense`, into);
}

function gateInto(source: Source, { feed }: BlockNames, to: string, into: Into): void {
  const { fc1 } = feed;
  if (typeof fc1 === "string") return;
  if ("packed" in fc1) {
    module(source, fc1.packed, to, into);
    return;
  }
  const halves = new Map<string, StoredTensor>();
  module(source, fc1.gate, "gate", (name, tensor) => halves.set(name, tensor));
  module(source, fc1.value, "value", (name, tensor) => halves.set(name, tensor));
  for (const part of ["weight", "bias"]) {
    const [gate, value] = [halves.get(`gate.${part}`), halves.get(`value.${part}`)];
    if (gate && value) into(`${to}.${part}`, stacked(gate, value));
  }
}

function blockInto(source: Source, names: BlockNames, to: string, vit: Vit, form: Form, into: Into): void {
  const { dim } = vit;
  attentionInto(source, names, to, dim, form.biased, into);
  const { feed } = names;
  if (!form.dinov2) {
    module(source, names.norm1, `${to}.layernorm_before`, into);
    module(source, names.norm2, `${to}.layernorm_after`, into);
    if (typeof feed.fc1 === "string") module(source, feed.fc1, `${to}.intermediate.dense`, into);
    module(source, feed.fc2, `${to}.output.dense`, into);
    return;
  }
  const scale = (name: string | undefined): StoredTensor =>
    name === undefined ? filled([dim], 1) : demand(source, name);
  module(source, names.norm1, `${to}.norm1`, into);
  module(source, names.norm2, `${to}.norm2`, into);
  into(`${to}.layer_scale1.lambda1`, scale(names.scale1));
  into(`${to}.layer_scale2.lambda1`, scale(names.scale2));
  if (typeof feed.fc1 === "string") module(source, feed.fc1, `${to}.mlp.fc1`, into);
  else gateInto(source, names, `${to}.mlp.weights_in`, into);
  module(source, feed.fc2, `${to}.mlp.${form.gated ? "weights_out" : "fc2"}`, into);
}

interface Form {
  readonly dinov2: boolean;
  readonly gated: boolean;
  /** Of queries, keys and values. */
  readonly biased: boolean;
}

function formOf(vit: Vit, type: ClassifierType, { find }: Source): Form {
  const { attention, feed } = vit.block(0);
  const modules = typeof attention.qkv === "string" ? [attention.qkv] : attention.qkv;
  return {
    dinov2: type.startsWith("dinov2"),
    gated: typeof feed.fc1 !== "string",
    biased: modules.some((name) => find(`${name}.bias`) !== undefined),
  };
}

/** What says how wide the feed-forward part is. */
function feedFields(model: string, { dim, hidden, block }: Vit, { dinov2, gated }: Form) {
  const hidden_act = activationName(gated ? "gelu" : block(0).feed.activation);
  if (!dinov2) return { intermediate_size: hidden, hidden_act };
  const mlp_ratio = Math.round((gated ? 1.5 * hidden : hidden) / dim);
  if (mlp_ratio < 1 || dinov2Hidden(dim, mlp_ratio, gated) !== hidden) {
    return refuseTranslation(
      model,
      `its MLP has ${hidden} hidden features, and transformers' DINOv2 takes only ${gated ? "two thirds of " : ""}a whole multiple of the width ${dim}${gated ? ", rounded up to a multiple of 8" : ""}`,
    );
  }
  return { mlp_ratio, use_swiglu_ffn: gated, hidden_act };
}

function sizeFields(model: string, vit: Vit, { dinov2 }: Form) {
  const { image, patch } = vit;
  const [height, width] = gridOf(image, patch);
  if (dinov2 && (patch[0] !== patch[1] || height !== width || image[0] !== image[1])) {
    return refuseTranslation(
      model,
      `transformers' DINOv2 takes square images and patches, not ${image.join("×")} of ${patch.join("×")}`,
    );
  }
  return { image_size: sideOrPair(image), patch_size: sideOrPair(patch) };
}

/** Modules of the classifiers, and how the checkpoint's own fit. */
function headsOf(source: Source, vit: Vit, type: ClassifierType, tokens: Tokens, { kept }: Classes) {
  const { classifiers, pooling } = vit.head;
  const single = tokens.distillation === undefined || classifiers.length === 1;
  const targets = single ? ["classifier"] : ["cls_classifier", "distillation_classifier"];
  const width = type.startsWith("dinov2") ? 2 * vit.dim : vit.dim;
  const own = (i: number) => {
    const from = classifiers[i];
    if (!kept || from === undefined) return undefined;
    const weight = demand(source, `${from}.weight`);
    return {
      weight: pooling.kind === "token" && width > vit.dim ? widened(weight, width) : weight,
      bias: demand(source, `${from}.bias`),
    };
  };
  return {
    heads: new Map(targets.map((target, i) => [target, own(i)] as const)),
    width,
    architecture: single ? undefined : TEACHER,
  };
}

/** A classifier of the class token, which takes the mean of the patches beside it and makes nothing of it. */
function widened(weight: StoredTensor, width: number): StoredTensor {
  const [classes = 0, own = 0] = weight.dims;
  return derived([classes, width], [weight], ([values = new Float32Array()]) => {
    const out = new Float32Array(classes * width);
    for (let row = 0; row < classes; row++) {
      out.set(values.subarray(row * own, (row + 1) * own), row * width);
    }
    return out;
  });
}

/** @throws VitreousError for what transformers has no class for */
export function translateVit(source: Source, vit: Vit, classes: Classes): Translated {
  const { model } = source;
  refuseOthers(model, vit);
  const { positions, head, norm } = vit;
  const tokens = tokensOf(model, vit);
  const poolings = ["token", "token-and-mean"];
  // Two tokens' mean stands for two classifiers that are not there.
  const unclassified = tokens.distillation !== undefined && head.classes === 0;
  if (!poolings.includes(head.pooling.kind) && !unclassified) {
    refuseTranslation(model, `it classifies the ${head.pooling.kind} of its tokens, not its class token`);
  }
  if (positions === undefined || norm === undefined) throw new RangeError("refused before");
  const modelType = typeOf(vit, tokens);
  const form = formOf(vit, modelType, source);
  const trunk = new Map<string, StoredTensor>();
  const into: Into = (name, tensor) => void trunk.set(`${modelType}.${name}`, tensor);
  const table = demand(source, positions.name);
  into("embeddings.cls_token", demand(source, tokens.class.name));
  if (tokens.distillation) {
    into("embeddings.distillation_token", demand(source, tokens.distillation.name));
  }
  if (tokens.registers) {
    const registers = demand(source, tokens.registers.name);
    into("embeddings.register_tokens", registerTokens(vit, tokens.registers, registers, table));
  }
  if (form.dinov2) into("embeddings.mask_token", filled([1, vit.dim], 0));
  into("embeddings.position_embeddings", positionTable(vit, positions, tokens, table));
  module(source, vit.patches, "embeddings.patch_embeddings.projection", into);
  for (let i = 0; i < vit.depth; i++) {
    blockInto(source, vit.block(i), `encoder.layer.${i}`, vit, form, into);
  }
  module(source, norm, "layernorm", into);
  return {
    modelType,
    fields: {
      hidden_size: vit.dim,
      num_hidden_layers: vit.depth,
      num_attention_heads: vit.heads,
      num_channels: vit.channels,
      layer_norm_eps: vit.epsilon,
      qkv_bias: form.biased,
      ...feedFields(model, vit, form),
      ...sizeFields(model, vit, form),
      ...(tokens.registers ? { num_register_tokens: tokens.registers.count } : {}),
    },
    trunk,
    ...headsOf(source, vit, modelType, tokens, classes),
  };
}

/**
 * @file Models of timm that no class of transformers' can hold (norms of queries and keys, pooled patches, rotary
 * positions, BEiT, EVA) are trained and saved as what they are: with classifiers for the new classes, and positions for
 * images of the new size.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Plan, Size } from "../architecture.js";
import { classesFor, classifierNote } from "../classes.js";
import { derived, filled } from "../derived.js";
import { truncatedNormal } from "../drawn.js";
import { checkedPlan } from "../index.js";
import { interpolatePositions } from "../positions.js";
import type { StoredTensor, StoredTensors } from "../stored-tensor.js";
import type { Swin } from "../swin.js";
import { gridOf, type Positions, type Vit } from "../vit.js";
import { offsetCount } from "../window-bias.js";
import { pretrainedOf, timmArchitecture } from "./architectures.js";
import type { TimmDescription } from "./config.js";
import { isSwin } from "./swin-arguments.js";

/** timm's trunc_normal_ of its classifiers. */
const DEVIATION = 0.02;

export interface TimmTarget {
  readonly description: TimmDescription;
  readonly tensors: StoredTensors;
  readonly notes: readonly string[];
}

export interface RetargetOptions {
  /** Undefined: the checkpoint's own, with its classifier. */
  readonly labels?: readonly string[] | undefined;
  readonly image?: Size | undefined;
  /** Of new classifiers. */
  readonly seed: number;
}

/** Classes of layers, which timm takes as such and not by name: they have to be those that the architecture stands for. */
const LAYERS: Readonly<Record<string, string>> = {
  mlp_layer: "Mlp",
  embed_layer: "PatchEmbed",
  block_fn: "Block",
};

/** Arguments that timm can read from a file. */
function readable({ architecture, args }: TimmDescription): Readonly<Record<string, unknown>> {
  const usual = timmArchitecture(architecture)?.args ?? {};
  const kept = Object.entries(args).filter(([name, value]) => {
    if (!Object.hasOwn(LAYERS, name)) return true;
    if (value === (usual[name] ?? LAYERS[name])) return false;
    throw new VitreousError(
      `${architecture} with ${name} ${String(value)} cannot be saved: timm takes that from an architecture's name only. Give the name of one that has it with --arch.`,
    );
  });
  return Object.fromEntries(kept);
}

/** Modules of the classifiers. */
export function headsOf(description: TimmDescription, tensors: StoredTensors): readonly string[] {
  if (timmArchitecture(description.architecture)?.class === "VisionTransformerDistilled")
    return ["head", "head_dist"];
  return isSwin(description) && !tensors.has("head.weight") ? ["head.fc"] : ["head"];
}

/** Features that a classifier takes. */
function widthOf(description: TimmDescription, tensors: StoredTensors, head: string): number {
  const [, own] = tensors.get(`${head}.weight`)?.dims ?? [];
  const [normed] = (tensors.get("fc_norm.weight") ?? tensors.get("norm.weight"))?.dims ?? [];
  const width = own ?? normed;
  if (width !== undefined) return width;
  throw new VitreousError(
    `${description.architecture}: its tensors do not tell what a classifier would take.`,
  );
}

/** The table for the new grid, with the rows of tokens in front of it as they are. */
function movedPositions(
  vit: Vit,
  { grid: from, interpolation }: Positions,
  table: StoredTensor,
): StoredTensor {
  const { dim, image, patch } = vit;
  const grid = gridOf(image, patch);
  const prefix = (table.dims[1] ?? 0) - from[0] * from[1];
  return derived([1, prefix + grid[0] * grid[1], dim], [table], ([values = new Float32Array()]) => {
    const out = new Float32Array((prefix + grid[0] * grid[1]) * dim);
    out.set(values.subarray(0, prefix * dim));
    const patches = values.subarray(prefix * dim);
    out.set(interpolatePositions(patches, from, grid, dim, interpolation), prefix * dim);
    return out;
  });
}

/** Swin's tables for the windows that images of this size have. */
function windowTables({ stages }: Swin, tensors: StoredTensors): ReadonlyMap<string, StoredTensor> {
  const tables = new Map<string, StoredTensor>();
  for (const { attention } of stages.flatMap(({ blocks }) => blocks)) {
    const { bias, windows, heads, logitScale } = attention;
    const [part] = bias.parts;
    // Swin V2 computes its biases for any window.
    if (part === undefined || logitScale !== undefined) continue;
    const own = tensors.get(part.name);
    const dims = [offsetCount(windows.window), heads];
    if (own === undefined || own.dims.join() === dims.join()) continue;
    tables.set(part.name, derived(dims, [own], bias.table));
  }
  return tables;
}

/** Position tensors on the image's grid. */
function positionsIn({ network }: Plan, tensors: StoredTensors): ReadonlyMap<string, StoredTensor> {
  if (network?.kind === "swin") return windowTables(network.swin, tensors);
  if (network?.kind !== "vit" || network.vit.positions === undefined) return new Map();
  const { positions } = network.vit;
  const table = tensors.get(positions.name);
  const same = positions.grid.join() === gridOf(network.vit.image, network.vit.patch).join();
  if (table === undefined || same) return new Map();
  return new Map([[positions.name, movedPositions(network.vit, positions, table)]]);
}

/**
 * A checkpoint of timm for other classes and images, in timm's own words and names.
 *
 * @throws VitreousError for tensors that do not fit the description, and for images of another size where positions are
 *   not a table that can be brought to it
 */
export function asTimm(
  description: TimmDescription,
  tensors: StoredTensors,
  { labels, image, seed }: RetargetOptions,
): TimmTarget {
  const plan = checkedPlan(description, tensors, { image });
  const own = checkedPlan(description, tensors, {});
  const [channels, height, width] = plan.input;
  const moved = plan.input.join() !== own.input.join();
  if (moved && plan.network === undefined) {
    throw new VitreousError(
      `${description.architecture} cannot be trained on images of ${height}×${width}: its positions are kept for ${own.input.slice(1).join("×")}. Train at that size.`,
    );
  }
  const classes = classesFor(labels, description.labels, plan.classes);
  const count = classes.labels.length;
  const changed = new Map(tensors);
  for (const [name, tensor] of positionsIn(plan, tensors)) changed.set(name, tensor);
  for (const head of classes.kept ? [] : headsOf(description, tensors)) {
    const dims = [count, widthOf(description, tensors, head)];
    changed.set(`${head}.weight`, truncatedNormal(`${head}.weight`, dims, DEVIATION, seed));
    changed.set(`${head}.bias`, filled([count], 0));
  }
  const { num_classes: _, ...args } = readable(description);
  const { pretrained } = pretrainedOf(description);
  const target: TimmDescription = {
    ...description,
    classes: count,
    args: moved ? { ...args, img_size: [height, width] } : args,
    pretrained: { ...pretrained, input_size: [channels, height, width], num_classes: count },
    labels: classes.labels,
  };
  return {
    description: target,
    tensors: changed,
    notes: [
      ...(plan.notes ?? []).filter((note) => !/gives features/.test(note)),
      ...(labels === undefined ? [] : [classifierNote(classes, plan.classes)]),
    ],
  };
}

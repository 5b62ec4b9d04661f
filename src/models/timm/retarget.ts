/**
 * @file Models of timm that no class of transformers' can hold (norms of queries and keys, pooled patches, rotary
 * positions, BEiT, EVA) are trained and saved as what they are: with classifiers for the new classes, and positions for
 * images of the new size.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Plan, Size } from "../architecture.js";
import { classesFor, classifierNote } from "../classes.js";
import { derived, filled } from "../derived.js";
import { checkedPlan } from "../index.js";
import { interpolatePositions } from "../positions.js";
import type { StoredTensor, StoredTensors } from "../stored-tensor.js";
import { truncatedNormal } from "../truncated-normal.js";
import { gridOf, type Positions, type Vit } from "../vit.js";
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

function headsOf(description: TimmDescription, tensors: StoredTensors): readonly string[] {
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

/** Position tensors on the image's grid. */
function positionsIn({ network }: Plan, tensors: StoredTensors): ReadonlyMap<string, StoredTensor> {
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
  if (moved && plan.network?.kind !== "vit") {
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
  const { num_classes: _, ...args } = description.args;
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

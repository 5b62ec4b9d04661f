/**
 * @file Where tracing starts: the patch embedding. Its Conv's output positions are the places; where patches are cut
 * out by reshaping instead, the pixels of the image are.
 */
import type { Model, ValueInfo } from "../onnx/graph.js";
import type { Anatomy } from "./anatomy.js";
import type { AttentionSite } from "./attention.js";
import type { Places } from "./stage.js";
import { ancestors, type Topology } from "./topology.js";
import { fromData, type IndexTensor } from "./trace/index-tensor.js";
import type { Origins } from "./trace/origins.js";
import { dimsAt } from "./trace/trace.js";

export interface Seed {
  readonly name: string;
  readonly ids: IndexTensor;
  readonly places: Places;
  /** Whether the places are pixels of the input. */
  readonly pixels: boolean;
}

/** Ids for [batch, C, rows, columns] or, channels last, [batch, rows, columns, C]; the same in all channels. */
function placeIds(origins: Origins, dims: readonly number[], channelsLast: boolean): [IndexTensor, Places] {
  const [batch = 1, a = 1, b = 1, c = 1] = dims;
  const [rows, columns] = channelsLast ? [a, b] : [b, c];
  const ids = fromData(
    [batch, rows, columns],
    Int32Array.from({ length: batch * rows * columns }, (_, place) => origins.single(place)),
  );
  const [s0 = 0, s1 = 0, s2 = 0] = ids.strides;
  const strides = channelsLast ? [s0, s1, s2, 0] : [s0, 0, s1, s2];
  return [
    { ...ids, dims, strides },
    { rows, columns },
  ];
}

/**
 * The last Conv with several output positions that queries, keys and values of the first attention all come from;
 * else the input itself. Undefined where shapes are unknown.
 */
export function findSeed(
  model: Model,
  topology: Topology,
  first: AttentionSite,
  input: ValueInfo,
  layout: Anatomy["input"]["layout"],
  batch: number,
  origins: Origins,
): Seed | undefined {
  const [q = "", k = ""] = first.scores.inputs;
  const sides = [q, k, first.values].map((name) => ancestors(topology, name));
  for (const node of [...model.graph.nodes].reverse()) {
    const name = node.outputs[0] ?? "";
    if ((node.op !== "Conv" && node.op !== "ConvInteger") || !sides.every((side) => side.has(name))) continue;
    const dims = dimsAt(model, name, batch);
    if (dims === undefined) return undefined;
    if (dims.length !== 4 || (dims[2] ?? 1) * (dims[3] ?? 1) === 1) continue;
    const [ids, places] = placeIds(origins, dims, false);
    return { name, ids, places, pixels: false };
  }
  const dims = dimsAt(model, input.name, batch);
  if (dims === undefined || dims.length !== 4) return undefined;
  const [ids, places] = placeIds(origins, dims, layout === "NHWC");
  return { name: input.name, ids, places, pixels: true };
}

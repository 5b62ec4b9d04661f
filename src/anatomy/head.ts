/**
 * @file What the logits read: the class token, the mean of the patches, two tokens, or a pooling attention. Traced
 * from the tokens behind the last block to the logits, so it is what the graph does and not what it resembles.
 */
import type { Model } from "../onnx/graph.js";
import type { HeadKind, Layer } from "./anatomy.js";
import type { AttentionSite } from "./attention.js";
import type { LayerLayout } from "./layout.js";
import { ancestors, type Topology } from "./topology.js";
import { fromData, type IndexTensor, toArray, transpose } from "./trace/index-tensor.js";
import { NOWHERE, Origins } from "./trace/origins.js";
import { dimsAt, type Trace, trace } from "./trace/trace.js";

export interface Head {
  readonly kind: HeadKind;
  readonly notes: readonly string[];
  readonly why: readonly string[];
}

/** Ids of the rows of a layer: row r of image b is place b·rows + r, prefix tokens first. */
function rowIds(
  origins: Origins,
  dims: readonly number[],
  layout: LayerLayout["layout"],
): IndexTensor | undefined {
  const [batchAxis, ...rowAxes] =
    layout === "tokens"
      ? [0, 1]
      : layout === "sequence-first"
        ? [1, 0]
        : layout === "grid"
          ? [0, 1, 2]
          : [0, 2, 3];
  const channel = dims.findIndex((_, axis) => axis !== batchAxis && !rowAxes.includes(axis));
  if (channel < 0) return undefined;
  const order = [batchAxis ?? 0, ...rowAxes];
  const kept = order.map((axis) => dims[axis] ?? 1);
  const count = kept.reduce((p, d) => p * d, 1);
  const ids = fromData(
    kept,
    Int32Array.from({ length: count }, (_, i) => origins.single(i)),
  );
  const wide = { ...ids, dims: [...kept, dims[channel] ?? 1], strides: [...ids.strides, 0] };
  const from = [...order, channel];
  return transpose(
    wide,
    dims.map((_, axis) => from.indexOf(axis)),
  );
}

interface Reading {
  readonly trace: Trace;
  readonly rows: number;
  /** Rows of the first image that its logits read; undefined where they could not be followed. */
  readonly read: readonly number[] | undefined;
}

function readRows(
  model: Model,
  layer: LayerLayout & { readonly tensor: string },
  logits: string,
  batch: number,
): Reading | undefined {
  const dims = dimsAt(model, layer.tensor, batch);
  const origins = new Origins();
  const seed = dims === undefined ? undefined : rowIds(origins, dims, layer.layout);
  if (seed === undefined) return undefined;
  const followed = trace(model, { batch, mode: "reads", origins, seeds: new Map([[layer.tensor, seed]]) });
  const rows = layer.prefixTokens + layer.grid[0] * layer.grid[1];
  const found = followed.values.get(logits);
  if (found === undefined) return { trace: followed, rows, read: undefined };
  const ids = toArray(found);
  const ofFirst = ids.subarray(0, ids.length / Math.max(found.dims[0] ?? 1, 1));
  const read = origins.members(origins.unionOf(ofFirst)).filter((row) => row < rows);
  return { trace: followed, rows, read };
}

/** The sentence for a layer whose patch tokens the logits do not read any more; undefined where they do. */
export function unusableAt(
  model: Model,
  topology: Topology,
  layer: Layer,
  last: AttentionSite | undefined,
  logits: string,
  batch: number,
): string | undefined {
  if (last !== undefined && ancestors(topology, last.values).has(layer.tensor)) return undefined;
  const reading = readRows(model, layer, logits, batch);
  if (reading?.read === undefined || reading.read.some((row) => row >= layer.prefixTokens)) return undefined;
  return (
    "the head reads the class token only, and behind the last attention patches have no influence on it: " +
    "the gradient at patch tokens is exactly 0 here. Use the last block's norm1 or an earlier layer."
  );
}

/** What the logits read of the tokens behind the last block. */
export function readHead(
  model: Model,
  topology: Topology,
  tokens: (LayerLayout & { readonly tensor: string }) | undefined,
  logits: string,
  pooling: readonly AttentionSite[],
  batch: number,
): Head {
  const before = ancestors(topology, logits);
  const missing = (reason: string): Head => ({
    kind: "unknown",
    notes: [],
    why: [`What the head reads was not found: ${reason}. Rollout can be told by its readout parameter.`],
  });
  if (tokens === undefined) return missing("the tokens behind the last block were not recognised");
  if (pooling.some((site) => before.has(site.weights))) {
    const notes = [
      "The head pools the tokens by an attention of its own; its map is not part of the blocks.",
    ];
    return { kind: "attention", notes, why: [] };
  }
  const reading = readRows(model, tokens, logits, batch);
  if (reading?.read === undefined) {
    return missing(reading?.trace.lost.get(logits) ?? "the logits do not follow from them");
  }
  const prefix = reading.read.filter((row) => row < tokens.prefixTokens);
  const patches = reading.read.length - prefix.length;
  const alone = prefix.filter((row) => readAlone(reading, before, row));
  const all = patches === reading.rows - tokens.prefixTokens;
  if (patches === 0 && prefix.length > 0) {
    return { kind: prefix.length === 1 ? "token" : "distilled", notes: [], why: [] };
  }
  if (alone.length > 0) {
    return {
      kind: "token",
      notes: ["The head reads the mean of the patch tokens beside the class token."],
      why: [],
    };
  }
  if (!all) return missing(`the logits read ${patches} of ${reading.rows - tokens.prefixTokens} patches`);
  const notes =
    prefix.length === 0 ? [] : [`The head averages ${prefix.length} prefix token(s) with the patches.`];
  return { kind: "mean", notes, why: [] };
}

/** Whether some value on the way to the logits holds nothing but this row (of each image). */
function readAlone(reading: Reading, before: ReadonlySet<string>, row: number): boolean {
  const { values, origins, batch } = reading.trace;
  const own = new Set(Array.from({ length: batch }, (_, b) => origins.single(b * reading.rows + row)));
  for (const [name, ids] of values) {
    if (!before.has(name)) continue;
    const held = new Set(
      toArray(
        ids.data.length > 4 * batch
          ? { ...ids, dims: ids.dims.map((d, i) => (ids.strides[i] === 0 ? 1 : d)) }
          : ids,
      ),
    );
    if (held.size > 0 && !held.has(NOWHERE) && [...held].every((id) => own.has(id))) return true;
  }
  return false;
}

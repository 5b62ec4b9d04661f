/**
 * @file What the logits read: the class token, the mean of the patches, two tokens, or a pooling attention. Traced
 * from the tokens behind the last block to the logits, so it is what the graph does and not what it resembles.
 */
import type { Model } from "../onnx/graph.js";
import type { HeadKind, TokenLayout } from "./anatomy.js";
import type { AttentionSite } from "./attention.js";
import type { LayerLayout } from "./layout.js";
import { ancestors, type Topology } from "./topology.js";
import { distinctIds, fromData, type IndexTensor, toArray, transpose } from "./trace/index-tensor.js";
import { Origins } from "./trace/origins.js";
import { dimsAt, type Trace, type Tracer } from "./trace/trace.js";

export interface Head {
  readonly kind: HeadKind;
  /** Rows that are no patches and that the logits read. */
  readonly rows: readonly number[];
  readonly notes: readonly string[];
  readonly why: readonly string[];
}

/** A tensor of tokens whose layout is known. */
export type TokenTensor = LayerLayout & { readonly tensor: string };

/** What is asked of: the graph, a tracer for it, and the value that stands for the logits. */
export interface HeadSubject {
  readonly model: Model;
  readonly topology: Topology;
  readonly trace: Tracer;
  readonly batch: number;
  readonly logits: string;
}

const AXES: Readonly<Record<TokenLayout, { readonly batch: number; readonly rows: readonly number[] }>> = {
  tokens: { batch: 0, rows: [1] },
  "sequence-first": { batch: 1, rows: [0] },
  grid: { batch: 0, rows: [1, 2] },
  "channels-first": { batch: 0, rows: [2, 3] },
};

/** Ids of the rows of a tensor of tokens: row r of image b is place b·rows + r. */
function rowIds(
  origins: Origins,
  dims: readonly number[],
  layout: TokenLayout,
): { readonly ids: IndexTensor; readonly rows: number } {
  const { batch, rows } = AXES[layout];
  const channel = dims.findIndex((_, axis) => axis !== batch && !rows.includes(axis));
  const order = [batch, ...rows, channel];
  const kept = [batch, ...rows].map((axis) => dims[axis] ?? 1);
  const count = kept.reduce((p, d) => p * d, 1);
  const line = fromData(
    kept,
    Int32Array.from({ length: count }, (_, i) => origins.single(i)),
  );
  const wide = { ...line, dims: [...kept, dims[channel] ?? 1], strides: [...line.strides, 0] };
  const ids = transpose(
    wide,
    dims.map((_, axis) => order.indexOf(axis)),
  );
  return { ids, rows: count / (dims[batch] ?? 1) };
}

interface Reading {
  readonly trace: Trace;
  /** Rows of an image. */
  readonly rows: number;
  /** Rows of the first image that its logits read. */
  readonly read: readonly number[];
}

/** Which rows of a tensor the logits depend on, or why that could not be followed. */
function readRows({ model, trace, batch, logits }: HeadSubject, tokens: TokenTensor): Reading | string {
  const dims = dimsAt(model, tokens.tensor, batch);
  if (dims === undefined) return "the shape of the tokens is not known";
  const origins = new Origins();
  const { ids, rows } = rowIds(origins, dims, tokens.layout);
  const followed = trace({ mode: "reads", origins, seeds: new Map([[tokens.tensor, ids]]) });
  const found = followed.values.get(logits);
  if (found === undefined) return followed.lost.get(logits) ?? "the logits do not follow from the tokens";
  const all = toArray(found);
  const ofFirst = all.subarray(0, all.length / Math.max(found.dims[0] ?? 1, 1));
  const read = origins.members(origins.unionOf(ofFirst)).filter((row) => row < rows);
  return { trace: followed, rows, read };
}

const isPatch = (tokens: TokenTensor, row: number): boolean =>
  row >= tokens.prefixTokens && row < tokens.prefixTokens + tokens.grid[0] * tokens.grid[1];

/** The sentence for a layer whose patch tokens the logits do not read any more; undefined where they do. */
export function unusableAt(
  subject: HeadSubject,
  layer: TokenTensor,
  last: AttentionSite | undefined,
): string | undefined {
  if (last !== undefined && ancestors(subject.topology, last.values).has(layer.tensor)) return undefined;
  const reading = readRows(subject, layer);
  if (typeof reading === "string" || reading.read.some((row) => isPatch(layer, row))) return undefined;
  return (
    "the head reads the class token only, and behind the last attention patches have no influence on it: " +
    "the gradient at patch tokens is exactly 0 here. Use the last block's norm1 or an earlier layer."
  );
}

/** What the logits read of the tokens behind the last block; `pooling`: attentions behind it. */
export function readHead(
  subject: HeadSubject,
  tokens: TokenTensor | undefined,
  pooling: readonly AttentionSite[],
): Head {
  const head = (kind: HeadKind, rows: readonly number[], ...notes: string[]): Head => ({
    kind,
    rows,
    notes,
    why: [],
  });
  const missing = (reason: string): Head => ({
    ...head("unknown", []),
    why: [
      `What the head reads was not found: ${reason}. The readout parameter of the rollouts says it instead.`,
    ],
  });
  if (tokens === undefined) return missing("the tokens behind the last block were not recognised");
  const before = ancestors(subject.topology, subject.logits);
  if (pooling.some((site) => before.has(site.weights))) {
    return head(
      "attention",
      [],
      "The head pools the tokens by an attention of its own, which is not among the blocks.",
    );
  }
  const reading = readRows(subject, tokens);
  if (typeof reading === "string") return missing(reading);
  const others = reading.read.filter((row) => !isPatch(tokens, row));
  const patches = reading.read.length - others.length;
  if (patches === 0 && others.length > 0) return head(others.length === 1 ? "token" : "distilled", others);
  const alone = others.filter((row) => readAlone(reading, before, row));
  if (alone.length > 0) {
    return head("token", alone, "The head reads the mean of the patch tokens beside the class token.");
  }
  const all = tokens.grid[0] * tokens.grid[1];
  if (patches < all) return missing(`the logits read ${patches} of ${all} patches`);
  return others.length === 0
    ? head("mean", [])
    : head("mean", [], `The mean over tokens includes ${others.length} that are no patches.`);
}

/** Whether some value on the way to the logits holds nothing but this row (of each image). */
function readAlone({ trace, rows }: Reading, before: ReadonlySet<string>, row: number): boolean {
  const own = new Set(Array.from({ length: trace.batch }, (_, b) => trace.origins.single(b * rows + row)));
  for (const [name, ids] of trace.values) {
    if (!before.has(name)) continue;
    const held = distinctIds(ids);
    if (held.size > 0 && [...held].every((id) => own.has(id))) return true;
  }
  return false;
}

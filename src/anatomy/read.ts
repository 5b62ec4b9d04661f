/**
 * @file Reads a model's anatomy: what it takes, what it gives, its blocks, tokens, windows and head. From the graph
 * alone; names of tensors differ with every exporter and mean nothing here.
 */
import { isStatic } from "../onnx/dim.js";
import type { Model } from "../onnx/graph.js";
import type { Anatomy, Layer } from "./anatomy.js";
import { type AttentionSite, findAttention } from "./attention.js";
import { type Blocks, readBlocks } from "./blocks.js";
import { findCandidates } from "./candidates.js";
import { breaksIn } from "./chain.js";
import { type Head, type HeadSubject, readHead, unusableAt } from "./head.js";
import { type AnatomyHints, applyHints } from "./hints.js";
import { findImageInput, readInput } from "./input.js";
import { findOutput } from "./output.js";
import { findSeed, type Seed } from "./seed.js";
import { ancestors, topologyOf } from "./topology.js";
import { Origins } from "./trace/origins.js";
import { type Trace, tracerOf } from "./trace/trace.js";

/** Two images, so that what belongs to which image is seen; a fixed batch as it is. */
const batchOf = (dim: unknown): number => (typeof dim === "number" ? dim : 2);

/**
 * The anatomy of a prepared model (functions inlined, fused operators expanded, shapes inferred, constants folded).
 * Throws a VitreousError where the model is no image classifier at all; where it is one that is not understood,
 * the family is "unknown" and `why` says what was found, what was missed and what to do.
 */
export function readAnatomy(model: Model, hints: AnatomyHints = {}): Anatomy {
  const input = findImageInput(model, hints.input);
  const topology = topologyOf(model.graph, input.name);
  const { input: read, image } = readInput(model, topology, input);
  const { output, notes } = findOutput(model, topology, hints);
  const base = { input: read, output, image };

  const used = ancestors(topology, output.logits);
  const sites = findAttention(model, topology).filter((site) => used.has(site.weights));
  const blocksSites = sites.filter((s) => s.kind === "self");
  const first = blocksSites[0];
  if (first === undefined) {
    return applyHints(model, { ...base, ...nothing([noAttention(model, sites)]), notes }, hints);
  }
  const batch = batchOf(isStatic(input.shape?.[0]) ? input.shape?.[0] : undefined);
  const origins = new Origins();
  const seed = findSeed(model, topology, first, input, read.layout, batch, origins);
  if (seed === undefined) {
    const why = [
      "The patch embedding was not found: shapes between the image and the first attention are unknown.",
    ];
    return applyHints(model, { ...base, ...nothing(why), notes }, hints);
  }
  const trace = tracerOf(model, batch);
  const places = trace({ mode: "place", origins, seeds: new Map([[seed.name, seed.ids]]) });
  const subject = { model, topology, trace, batch, logits: output.logits };
  const chain = readBlocks(blocksSites, places, seed.places);
  const breaks = breaksIn(topology, chain.found, sites);
  const blocks: Blocks =
    breaks.length === 0 ? chain : { ...chain, family: "unknown", why: [...chain.why, ...breaks] };
  const parts = headAndLayers(subject, places, blocks, seed, sites);
  const anatomy: Anatomy = {
    family: blocks.family,
    ...base,
    grid: blocks.found[0]?.stage.grid ?? [seed.places.rows, seed.places.columns],
    prefixTokens: blocks.prefixTokens,
    suffixTokens: blocks.suffixTokens,
    head: parts.head.kind,
    headTokens: parts.head.rows,
    blocks: blocks.blocks,
    layers: parts.layers,
    notes: [...notes, ...parts.head.notes],
    why: [...blocks.why, ...parts.head.why, ...advice(blocks)],
  };
  return applyHints(model, anatomy, hints);
}

function headAndLayers(
  subject: HeadSubject,
  places: Trace,
  blocks: Blocks,
  seed: Seed,
  sites: readonly AttentionSite[],
): { readonly head: Head; readonly layers: readonly Layer[] } {
  const { layers, last } = findCandidates(subject.model, subject.topology, places, blocks, seed.name);
  const lastBlock = blocks.found.at(-1)?.site;
  const checked = layers.map((layer) => {
    const unusable = unusableAt(subject, layer, lastBlock);
    return unusable === undefined ? layer : { ...layer, unusable };
  });
  const behind = sites
    .slice(lastBlock === undefined ? 0 : sites.indexOf(lastBlock) + 1)
    .filter(({ size: [queries, keys] = [0, 0] }) => queries <= keys);
  const tokens = layers.find((l) => l.tensor === last);
  return { head: readHead(subject, tokens, behind), layers: checked };
}

const nothing = (why: readonly string[]): Omit<Anatomy, "input" | "output" | "image" | "notes"> => ({
  family: "unknown",
  grid: [0, 0],
  prefixTokens: 0,
  suffixTokens: 0,
  head: "unknown",
  headTokens: [],
  blocks: [],
  layers: [],
  why,
});

const BY_HAND =
  "Name the attention tensors, the grid and the number of prefix tokens by hand, or use the methods that need no attention.";

const advice = (blocks: Blocks): string[] => (blocks.family === "unknown" ? [BY_HAND] : []);

/** Why a graph has no blocks: what kind of network it looks like instead. */
function noAttention(model: Model, sites: readonly AttentionSite[]): string {
  const count = (op: string): number => model.graph.nodes.filter((n) => n.op === op).length;
  const quantised =
    count("MatMulInteger") +
    count("QLinearMatMul") +
    count("DynamicQuantizeLinear") +
    count("DequantizeLinear");
  if (quantised > 0) {
    return (
      "The model is quantised (integer matrix products), so it has neither attention maps nor gradients to read: " +
      "use the model before quantisation for these; metrics work on this one."
    );
  }
  if (sites.length > 0)
    return `Only attention with fewer queries than keys was found (${sites.length}). ${BY_HAND}`;
  const convs = count("Conv");
  const looks =
    convs > 5
      ? `it has ${convs} Conv nodes and looks like a convolutional network`
      : "it may mix tokens in another way";
  return `No self-attention was found (a Softmax between two products of activations): ${looks}. Methods that need no attention, and metrics, work.`;
}

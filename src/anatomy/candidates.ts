/**
 * @file The tensors that Grad-CAM can be taken at, under one set of names for all exporters: blocks.{i}.norm1,
 * blocks.{i}.norm2, blocks.{i}, norm, patch_embed (Swin: layers.{s}.blocks.{i}…). A model without norms gets the
 * block's input, under that name.
 */
import type { Model, Node } from "../onnx/graph.js";
import type { Layer } from "./anatomy.js";
import type { Blocks } from "./blocks.js";
import { layoutOf } from "./layout.js";
import { normFedBy, type Residual, residualOf } from "./residual.js";
import type { Stage } from "./stage.js";
import { rootOf, type Topology } from "./topology.js";
import type { Trace } from "./trace/trace.js";

export interface Candidates {
  readonly layers: readonly Layer[];
  /** The residual stream behind the last block, where it was found. */
  readonly last?: string;
}

const outputOf = (node: Node): string => node.outputs[0] ?? "";

export function findCandidates(
  model: Model,
  topology: Topology,
  trace: Trace,
  blocks: Blocks,
  seed: string,
): Candidates {
  const layers: Layer[] = [];
  const add = (name: string, tensor: string, stage: Stage): void => {
    const layout = layoutOf(trace.values.get(tensor), stage, trace.batch);
    if (layout === undefined) return;
    const aliases = aliasesOf(topology.producers.get(tensor));
    layers.push({ name, tensor, ...layout, ...(aliases.length > 0 ? { aliases } : {}) });
  };
  const residuals = blocks.found.map((f, i) =>
    residualOf(model.graph, topology, f.site, blocks.found[i + 1]?.site),
  );
  const first = blocks.found[0];
  if (first !== undefined) {
    add("patch_embed", patchEmbedding(model, topology, trace, seed, first.stage, residuals[0]), first.stage);
  }
  const names = blocks.found.map((f) => blocks.blocks.find((b) => b.attention === f.site.weights)?.name);
  residuals.forEach((residual, i) => {
    const found = blocks.found[i];
    const name = names[i];
    if (residual === undefined || found === undefined || name === undefined) return;
    if (residual.norm1 !== undefined) add(`${name}.norm1`, outputOf(residual.norm1), found.stage);
    else add(`${name}.input`, residual.input, found.stage);
    if (residual.norm2 !== undefined) add(`${name}.norm2`, outputOf(residual.norm2), found.stage);
    add(name, residual.output, found.stage);
  });
  const final = blocks.found.at(-1);
  const last = residuals.at(-1)?.output;
  if (final === undefined || last === undefined) return { layers };
  const norm = normFedBy(model.graph, topology, rootOf(topology, last));
  if (norm !== undefined) add("norm", outputOf(norm), final.stage);
  return { layers, last };
}

/** Name and module path that the exporter gave the node that makes a layer. */
function aliasesOf(node: Node | undefined): string[] {
  return [node?.name ?? "", node?.scope ?? ""].filter((n) => n !== "");
}

/**
 * The patch tokens before anything is added to them: normalised where the patch embedding has a norm of its own,
 * else as a list of tokens, else as the Conv leaves them.
 */
function patchEmbedding(
  model: Model,
  topology: Topology,
  trace: Trace,
  seed: string,
  stage: Stage,
  first: Residual | undefined,
): string {
  const root = rootOf(topology, seed);
  const norm = normFedBy(model.graph, topology, root);
  if (norm !== undefined && norm !== first?.norm1) return outputOf(norm);
  const layouts = [...trace.values].flatMap(([name, ids]) => {
    const layout = rootOf(topology, name) === root ? layoutOf(ids, stage, trace.batch) : undefined;
    return layout === undefined ? [] : [{ name, layout: layout.layout }];
  });
  return (layouts.find((l) => l.layout === "tokens") ?? layouts.at(-1))?.name ?? seed;
}

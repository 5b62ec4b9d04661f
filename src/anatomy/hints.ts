/**
 * @file What a user can say of a model that is not recognised, or not rightly: tensors by name and the few numbers
 * that go with them. Each hint replaces what would have been read from the graph.
 */
import { isStatic } from "../onnx/dim.js";
import { VitreousError } from "../onnx/errors.js";
import type { Model } from "../onnx/graph.js";
import type { Anatomy, Block, HeadKind, Layer } from "./anatomy.js";

export interface AnatomyHints {
  /** Name of the image input. */
  readonly input?: string;
  /** Name of the output that holds the classes. */
  readonly output?: string;
  /** Value name of the raw logits. */
  readonly logits?: string;
  /** Value names of the softmax outputs, first block first, each [N, heads, n, n] or [N·heads, n, n]. */
  readonly attention?: readonly string[];
  /** Patch grid, rows and columns. */
  readonly grid?: readonly [number, number];
  readonly prefixTokens?: number;
  readonly head?: HeadKind;
  /** Value name of a tensor for Grad-CAM: [N, tokens, C] or [N, C, rows, columns]. */
  readonly layer?: string;
}

function shapeOf(model: Model, name: string): readonly (number | null)[] {
  const type = model.graph.types.get(name);
  if (type === undefined) throw new VitreousError(`The graph has no tensor "${name}".`);
  if (type.shape === undefined) throw new VitreousError(`The shape of tensor "${name}" is not known.`);
  return type.shape.map((d) => (isStatic(d) ? d : null));
}

/** A layer named by hand, as the hints describe it. */
function handLayer(model: Model, name: string, grid: readonly [number, number]): Layer {
  const shape = shapeOf(model, name);
  const tokens = shape[1] ?? 0;
  if (shape.length === 3 && tokens >= grid[0] * grid[1]) {
    return { name, tensor: name, layout: "tokens", prefixTokens: tokens - grid[0] * grid[1], grid };
  }
  if (shape.length === 4) {
    const [, a, b, c] = shape;
    if (a === grid[0] && b === grid[1]) return { name, tensor: name, layout: "grid", prefixTokens: 0, grid };
    if (b !== null && c !== null && b !== undefined && c !== undefined) {
      return { name, tensor: name, layout: "channels-first", prefixTokens: 0, grid: [b, c] };
    }
  }
  throw new VitreousError(
    `Tensor "${name}" is no layer of patch tokens on a ${grid[0]}×${grid[1]} grid: [N, tokens, C] or [N, C, rows, columns] is needed.`,
  );
}

function handBlock(model: Model, attention: string, index: number): Block {
  const shape = shapeOf(model, attention);
  const tokens = shape.at(-1);
  const batch = model.graph.inputs[0]?.shape?.[0];
  if ((shape.length !== 3 && shape.length !== 4) || tokens == null || shape.at(-2) !== tokens) {
    throw new VitreousError(`Tensor "${attention}" is no attention map: [N, heads, n, n] is needed.`);
  }
  const first = model.graph.types.get(attention)?.shape?.[0];
  const perImage = isStatic(first)
    ? first / (isStatic(batch) ? batch : 1)
    : ((first ?? undefined)?.scale ?? 1);
  const heads = shape.length === 4 ? (shape[1] ?? 1) : perImage;
  return {
    name: `blocks.${index}`,
    attention,
    attentionLayout: shape.length === 4 ? "BHNN" : "(BH)NN",
    heads,
    tokens,
  };
}

/** The anatomy with what the hints say in place of what was found. */
export function applyHints(model: Model, found: Anatomy, hints: AnatomyHints): Anatomy {
  let anatomy: Anatomy = found;
  if (hints.grid !== undefined) anatomy = { ...anatomy, grid: hints.grid };
  if (hints.prefixTokens !== undefined) anatomy = { ...anatomy, prefixTokens: hints.prefixTokens };
  if (hints.head !== undefined) anatomy = { ...anatomy, head: hints.head };
  if (hints.attention !== undefined) {
    const blocks = hints.attention.map((name, i) => handBlock(model, name, i));
    const patches = anatomy.grid[0] * anatomy.grid[1];
    const tokens = blocks[0]?.tokens ?? 0;
    const prefixTokens = hints.prefixTokens ?? tokens - patches;
    if (blocks.some((b) => b.tokens !== prefixTokens + patches)) {
      throw new VitreousError(
        `Attention maps of ${blocks.map((b) => b.tokens).join(", ")} tokens do not fit a grid of ` +
          `${anatomy.grid[0]}×${anatomy.grid[1]} patches and ${prefixTokens} prefix tokens: give grid and prefixTokens.`,
      );
    }
    const headTokens = anatomy.head === "mean" || prefixTokens === 0 ? [] : [0];
    anatomy = { ...anatomy, family: "vit", blocks, prefixTokens, suffixTokens: 0, headTokens, why: [] };
  }
  if (hints.layer !== undefined && !anatomy.layers.some((l) => l.tensor === hints.layer)) {
    anatomy = { ...anatomy, layers: [...anatomy.layers, handLayer(model, hints.layer, anatomy.grid)] };
  }
  return anatomy;
}

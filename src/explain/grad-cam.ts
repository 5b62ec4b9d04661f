/**
 * @file Grad-CAM on a transformer layer: channels weighted by the mean over patches of their gradient.
 * Selvaraju et al., ICCV 2017; on tokens as in the reshape transform of pytorch-grad-cam. Everything up to the
 * map on the grid is computed in the graph, so that only h·w numbers an image are copied out.
 */
import { z } from "zod";
import type { Anatomy, Layer } from "../anatomy/anatomy.js";
import { findLayer } from "../anatomy/layers.js";
import { VitreousError } from "../onnx/errors.js";
import { checkOptions } from "../spec.js";
import { type Expr, gradient, matmul, reduce, relu, reshape, slice, transpose, value } from "./expression.js";
import { averageMaps } from "./map.js";
import type { Method, TokenMap } from "./method.js";

export interface GradCamOptions {
  /**
   * Layers by name ("blocks.11.norm1", Hugging Face's names, or a tensor of the graph), several joined by "+" or as
   * a list; default "auto": the last block's first LayerNorm.
   */
  readonly layer?: string | readonly string[];
}

export const gradCamSchema = z.strictObject({
  layer: z
    .union([z.string(), z.array(z.string()).readonly()])
    .default("auto")
    .transform((v) => (typeof v === "string" ? v.split("+") : v)),
});

/** M = relu(Σ_d w_d·A_d), w_d = mean over patches of ∂z_c/∂A_d; several layers: the mean of their scaled maps. */
export function gradCam(options: GradCamOptions = {}): Method {
  const { layer } = checkOptions("grad-cam", gradCamSchema, options);
  return {
    name: "grad-cam",
    parameters: { layer },
    citation: "Selvaraju et al., Grad-CAM, ICCV 2017 (arXiv 1610.02391)",
    scaling: "min-max",
    unsupported(anatomy) {
      if (anatomy.layers.some((l) => l.unusable === undefined)) return undefined;
      return `grad-cam needs a layer of patch tokens, and none was recognised. ${anatomy.why.join(" ")}`.trim();
    },
    resolve: (anatomy) => ({ layer: layersOf(anatomy, layer).map((l) => l.name) }),
    taps: (anatomy) => Object.fromEntries(layersOf(anatomy, layer).map((l) => [l.name, camExpression(l)])),
    maps(taps, anatomy, count) {
      const layers = layersOf(anatomy, layer);
      return Array.from({ length: count }, (_, image) =>
        averageMaps(layers.map((l) => mapOf(taps[l.name]?.data, l.grid, image))),
      );
    },
  };
}

function layersOf(anatomy: Anatomy, names: readonly string[]): readonly Layer[] {
  return names.map((name) => {
    const layer = name === "auto" ? defaultLayer(anatomy) : findLayer(anatomy, name);
    if (layer.unusable !== undefined) throw new VitreousError(`grad-cam at ${layer.name}: ${layer.unusable}`);
    return layer;
  });
}

/** The last block's first LayerNorm; where a model has none, the last usable layer that was recognised. */
function defaultLayer(anatomy: Anatomy): Layer {
  const usable = anatomy.layers.filter((l) => l.unusable === undefined);
  const layer = usable.findLast((l) => l.name.endsWith(".norm1")) ?? usable.at(-1);
  if (layer === undefined) throw new VitreousError("grad-cam: no layer of patch tokens was recognised");
  return layer;
}

function camExpression(layer: Layer): Expr {
  const activations = patchTokens(value(layer.tensor), layer);
  const weights = reduce("mean", patchTokens(gradient(layer.tensor), layer), [1], true);
  return relu(matmul(activations, transpose(weights, [0, 2, 1])));
}

/** A layer's tensor as [N, patches, channels]. */
export function patchTokens(x: Expr, layer: Layer): Expr {
  const patches = layer.grid[0] * layer.grid[1];
  const tokens = (t: Expr): Expr =>
    layer.prefixTokens === 0 ? t : slice(t, 1, layer.prefixTokens, layer.prefixTokens + patches);
  switch (layer.layout) {
    case "tokens":
      return tokens(x);
    case "sequence-first":
      return tokens(transpose(x, [1, 0, 2]));
    case "grid":
      return reshape(x, [0, patches, -1]);
    case "channels-first":
      return transpose(reshape(x, [0, 0, patches]), [0, 2, 1]);
  }
}

function mapOf(
  data: ArrayLike<number | bigint> | undefined,
  grid: readonly [number, number],
  image: number,
): TokenMap {
  if (!(data instanceof Float32Array)) throw new TypeError("grad-cam expects float32 taps");
  const size = grid[0] * grid[1];
  return { grid, values: data.slice(image * size, (image + 1) * size) };
}

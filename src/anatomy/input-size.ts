/**
 * @file Settles what an exporter left open of the image input. Optimum and others make channels, height and width
 * dynamic though the position embedding allows one size only; then the weights say which.
 */
import { intAttribute, intsAttribute } from "../onnx/attributes.js";
import { type Dim, isStatic } from "../onnx/dim.js";
import type { Graph, Model, Node } from "../onnx/graph.js";

/** More tokens than these that are no patches are not looked for. */
const MOST_OTHER_TOKENS = 16;

/**
 * The model with channels, height and width of its image input filled in: height and width from `image` where it is
 * given, else from the position embedding of a square grid, else from `prepared`, the size that images are prepared in
 * as far as that is said; channels from the patch embedding. What nothing tells stays open. To be called before shapes
 * are inferred.
 */
export function settleInput(
  model: Model,
  image?: readonly [number, number],
  prepared?: readonly [number, number],
): Model {
  const { graph } = model;
  const alone = graph.inputs.length === 1 && graph.nodes.some((n) => n.op === "Conv");
  const inputs = graph.inputs.map((input) => {
    // Some tools write no shape at all; the only input of a graph with convolutions is an image.
    const shape = input.shape ?? (alone ? [null, null, null, null] : undefined);
    if (shape?.length !== 4 || shape.slice(1).every(isStatic)) return input;
    const last = shape[3] ?? null;
    const channelsLast = isStatic(last) && last <= 4 && !isStatic(shape[1]);
    const conv = graph.nodes.find((n) => n.op === "Conv" && weightOf(graph, n)?.length === 4);
    const [height, width] = image ?? (conv && sizeFromPositions(graph, conv)) ?? prepared ?? [null, null];
    const weight = conv && weightOf(graph, conv);
    const channels = weight ? (weight[1] ?? 0) * intAttribute(conv, "group", 1) : null;
    const settled: Dim[] = channelsLast ? [null, height, width, channels] : [null, channels, height, width];
    return {
      ...input,
      shape: shape.map((d, axis) => (isStatic(d) ? d : axis === 0 ? d : (settled[axis] ?? null))),
    };
  });
  return { ...model, graph: { ...graph, inputs } };
}

const weightOf = (graph: Graph, conv: Node): readonly number[] | undefined =>
  graph.constants.get(conv.inputs[1] ?? "")?.dims;

/** Patches × patch size, from a constant [1, tokens, width] that only a position embedding is. */
function sizeFromPositions(graph: Graph, conv: Node): readonly [number, number] | undefined {
  const weight = weightOf(graph, conv) ?? [];
  const strides = intsAttribute(conv, "strides") ?? [1, 1];
  const [width = 0, , ...kernel] = weight;
  if (strides[0] !== kernel[0] || strides[1] !== kernel[1]) return undefined;
  // Register tokens have the same form and are fewer.
  const lengths = [...graph.constants.values()].map(({ dims }) =>
    dims.length === 3 && dims[0] === 1 && dims[2] === width ? (dims[1] ?? 0) : 0,
  );
  const tokens = lengths.reduce((most, length) => Math.max(most, length), 0);
  for (let others = 0; others <= MOST_OTHER_TOKENS && others < tokens - 1; others++) {
    const side = Math.sqrt(tokens - others);
    if (Number.isInteger(side) && side > 1) return [side * (strides[0] ?? 1), side * (strides[1] ?? 1)];
  }
  return undefined;
}

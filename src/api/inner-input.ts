/**
 * @file Models that prepare their image inside the graph (NHWC bytes in, cast, transposed, normalised) are cut in two:
 * a head from the raw input to the normalised [N, C, H, W] tensor, and a body from there. Measurements then work in
 * normalised space for every model, as the metrics are defined, and the head runs once an image.
 */
import type { Anatomy } from "../anatomy/anatomy.js";
import { BATCH, isStatic, type Shape } from "../onnx/dim.js";
import type { Model, Node } from "../onnx/graph.js";
import { prune } from "../onnx/prune.js";

export interface SplitInput {
  /** Raw input → normalised tensor. */
  readonly head: Model;
  /** Normalised tensor → everything else. */
  readonly body: Model;
  /** Name of the normalised tensor. */
  readonly inner: string;
}

const PREPARING = new Set([
  "Cast",
  "Identity",
  "Transpose",
  "Sub",
  "Add",
  "Mul",
  "Div",
  "BatchNormalization",
]);

/** The cut behind the last preparing node, or undefined where there is nothing to cut or no clean place for it. */
export function splitInput(model: Model, anatomy: Anatomy): SplitInput | undefined {
  const { input, image } = anatomy;
  if (input.layout === "NCHW" && input.preprocessing === "outside" && input.dtype === "float32")
    return undefined;
  const wanted = [input.channels, ...image];
  const { graph } = model;
  let inner: string | undefined;
  let name = input.name;
  for (;;) {
    const readers = graph.nodes.filter((n) => n.inputs.includes(name) && n.op !== "Shape");
    const [reader] = readers;
    if (reader === undefined || readers.length !== 1 || !PREPARING.has(reader.op)) break;
    if (reader.inputs.some((i) => i !== name && i !== "" && !graph.constants.has(i))) break;
    name = reader.outputs[0] ?? "";
    const type = graph.types.get(name);
    if (type?.dtype === "float32" && isImage(type.shape, wanted)) inner = name;
  }
  if (inner === undefined || graph.outputs.some((o) => o.name === inner)) return undefined;
  return cut(model, input.name, inner);
}

const isImage = (shape: Shape | undefined, wanted: readonly number[]): boolean =>
  shape?.length === 4 && wanted.every((d, i) => isStatic(shape[i + 1]) && shape[i + 1] === d);

function cut(model: Model, raw: string, inner: string): SplitInput | undefined {
  const { graph } = model;
  const type = graph.types.get(inner);
  if (type === undefined) return undefined;
  const info = { name: inner, dtype: type.dtype, shape: type.shape ?? [BATCH, null, null, null] };
  const head = prune({ ...graph, outputs: [info] });
  const nodes = graph.nodes.filter((n) => !n.outputs.includes(inner)).map((n) => fromInner(n, raw, inner));
  const body = prune({ ...graph, inputs: [info], nodes });
  // Something in the body still reads the raw image: there is no clean cut.
  if (body.nodes.some((n) => n.inputs.includes(raw))) return undefined;
  return { head: { ...model, graph: head }, body: { ...model, graph: body }, inner };
}

/** The batch size read off the raw input is that of the inner tensor. */
function fromInner(node: Node, raw: string, inner: string): Node {
  const { start, end } = node.attributes;
  const batchOnly =
    (start === undefined || (start.kind === "int" && start.value === 0)) &&
    end?.kind === "int" &&
    end.value === 1;
  return node.op === "Shape" && node.inputs[0] === raw && batchOnly ? { ...node, inputs: [inner] } : node;
}

/**
 * @file Models that prepare their image inside the graph (NHWC bytes in, cast, transposed, normalised) are cut in two:
 * a head from the raw input to the normalised [N, C, H, W] tensor, and a body from there. Measurements then work in
 * normalised space for every model, as the metrics are defined, and the head runs once an image.
 */
import type { Anatomy } from "../anatomy/anatomy.js";
import { int, ints } from "../onnx/attributes.js";
import { GraphBuilder } from "../onnx/builder.js";
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

/** They make pixels of pixels, or move them. */
const PREPARING = new Set(
  (
    "Cast Identity Transpose Sub Add Mul Div Neg Pow Sqrt Reciprocal BatchNormalization Clip Min Max Where Greater " +
    "Less GreaterOrEqual LessOrEqual Equal Slice Gather Split Concat Squeeze Unsqueeze Reshape Flatten Round Floor"
  ).split(" "),
);

/** The cut behind the last preparing node, or undefined where there is nothing to cut. */
export function splitInput(model: Model, anatomy: Anatomy): SplitInput | undefined {
  const { input, image } = anatomy;
  if (input.layout === "NCHW" && input.preprocessing === "outside" && input.dtype === "float32")
    return undefined;
  const { graph } = model;
  const inner = lastImage(model, input.name, [input.channels, ...image]);
  const clean = inner === undefined ? undefined : cut(model, input.name, inner);
  return clean && graph.outputs.every((o) => o.name !== inner) ? clean : rearranged(model, anatomy);
}

/** The last value that is the prepared image and all that is left of it: nothing behind it reads anything before it. */
function lastImage({ graph }: Model, raw: string, wanted: readonly number[]): string | undefined {
  const readers = new Map<string, number>();
  for (const node of graph.nodes) {
    if (node.op === "Shape") continue;
    for (const name of new Set(node.inputs)) readers.set(name, (readers.get(name) ?? 0) + 1);
  }
  const live = new Map([[raw, readers.get(raw) ?? 0]]);
  let found: string | undefined;
  for (const node of graph.nodes) {
    const read = [...new Set(node.inputs)].filter((name) => live.has(name));
    if (read.length === 0 || node.op === "Shape") continue;
    if (!PREPARING.has(node.op)) break;
    for (const name of read) {
      const left = (live.get(name) ?? 0) - 1;
      if (left === 0) live.delete(name);
      else live.set(name, left);
    }
    for (const name of node.outputs) if (readers.has(name)) live.set(name, readers.get(name) ?? 0);
    const [only, ...others] = live.keys();
    const type = only === undefined || others.length > 0 ? undefined : graph.types.get(only);
    if (type?.dtype === "float32" && isImage(type.shape, wanted)) found = only;
  }
  return found;
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

/** TensorProto.DataType codes of what an image may come as. */
const CODES: Readonly<Record<string, number>> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 };

/** Where there is no clean cut: the raw image itself as float32 [N, C, H, W], turned back in the body. */
function rearranged(model: Model, { input, image }: Anatomy): SplitInput | undefined {
  const { graph } = model;
  const own = graph.inputs.find((i) => i.name === input.name);
  const code = CODES[input.dtype];
  if (own === undefined || code === undefined) return undefined;
  const last = input.layout === "NHWC";

  const before = GraphBuilder.empty("head", model.opsets.get("") ?? undefined);
  let name = before.input(own);
  if (input.dtype !== "float32") name = before.add("Cast", [name], { to: int(1) });
  const inner = before.add(
    last ? "Transpose" : "Identity",
    [name],
    last ? { perm: ints([0, 3, 1, 2]) } : {},
    {
      hint: `${input.name}.image`,
    },
  );

  const behind = GraphBuilder.rebuilding({ ...model, graph: { ...graph, inputs: [] } });
  const shape = [own.shape?.[0] ?? null, input.channels, ...image];
  let back = behind.input({ name: inner, dtype: "float32", shape });
  if (input.dtype !== "float32") back = behind.add("Cast", [back], { to: int(code) });
  if (last) back = behind.add("Transpose", [back], { perm: ints([0, 2, 3, 1]) });
  for (const node of graph.nodes) {
    behind.push({ ...node, inputs: node.inputs.map((i) => (i === input.name ? back : i)) });
  }
  return {
    head: { ...model, graph: before.build([inner]) },
    body: { ...model, graph: behind.build() },
    inner,
  };
}

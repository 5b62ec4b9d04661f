/**
 * @file The image input: which one it is, how its axes lie, and whether the graph rescales and normalises by
 * itself. Told from what the graph does with it, since names and types alone do not say.
 */
import { formatShape, isStatic } from "../onnx/dim.js";
import { VitreousError } from "../onnx/errors.js";
import type { Model, Node, ValueInfo } from "../onnx/graph.js";
import { tensorToFloat32 } from "../onnx/tensor.js";
import type { Anatomy } from "./anatomy.js";
import type { Topology } from "./topology.js";
import { expand, fromData, toArray } from "./trace/index-tensor.js";
import { Origins } from "./trace/origins.js";
import { tracerOf } from "./trace/trace.js";

const describeValues = (values: readonly ValueInfo[]): string =>
  values.map((v) => `${v.name} ${v.dtype} ${formatShape(v.shape)}`).join(", ") || "none";

/** The input that is an image: rank 4, a number type. Throws where there is none or the choice is open. */
export function findImageInput(model: Model, named?: string): ValueInfo {
  const { inputs } = model.graph;
  if (named !== undefined) {
    const input = inputs.find((i) => i.name === named);
    if (input !== undefined) return input;
    throw new VitreousError(`The model has no input ${named}; its inputs: ${describeValues(inputs)}.`);
  }
  const images = inputs.filter((i) => i.shape?.length === 4 && i.dtype !== "bool" && i.dtype !== "string");
  const [image, second] = images;
  if (image === undefined) {
    throw new VitreousError(
      `The model takes no image: an input of rank 4 is needed, its inputs are ${describeValues(inputs)}. ` +
        "Vitreous explains image classifiers.",
    );
  }
  if (second !== undefined) {
    throw new VitreousError(
      `The model takes several images (${describeValues(images)}): export it with one, or name the input.`,
    );
  }
  return image;
}

/** Layout, channels, size and preprocessing of the image input. */
export function readInput(
  model: Model,
  topology: Topology,
  input: ValueInfo,
): { readonly input: Anatomy["input"]; readonly image: readonly [number, number] } {
  const shape = input.shape ?? [];
  const layout = channelsLast(model, input) ? "NHWC" : "NCHW";
  const [channels, height, width] = layout === "NHWC" ? [3, 1, 2].map((a) => shape[a]) : shape.slice(1);
  if (!isStatic(channels) || !isStatic(height) || !isStatic(width)) {
    throw new VitreousError(
      `The image size is not fixed in the graph: input ${input.name} is ${formatShape(shape)}. ` +
        "Say which size it was trained with (--image-size), or export it with a fixed height and width.",
    );
  }
  const range = insideRange(model, topology, input.name);
  return {
    input: {
      name: input.name,
      layout,
      channels,
      dtype: input.dtype,
      preprocessing: range === undefined ? "outside" : "inside",
      ...(range === undefined ? {} : { range }),
    },
    image: [height, width],
  };
}

/** Whether the last axis of the input becomes the channel axis of the first Conv; by size where there is no Conv. */
function channelsLast(model: Model, input: ValueInfo): boolean {
  const shape = input.shape ?? [];
  const bySize = (): boolean => {
    const isChannels = (d: unknown): boolean => typeof d === "number" && d <= 4;
    return isChannels(shape[3]) && !isChannels(shape[1]);
  };
  const dims = shape.map((d) => (isStatic(d) ? d : 2));
  const last = dims[3] ?? 1;
  if (last === 1 || !shape.slice(1).every(isStatic)) return bySize();
  const origins = new Origins();
  const line = fromData(
    [last],
    Int32Array.from({ length: last }, (_, i) => origins.single(i)),
  );
  const seed = expand(line, dims);
  const conv = model.graph.nodes.find((n) => n.op === "Conv");
  if (seed === undefined || conv === undefined) return bySize();
  const batch = isStatic(shape[0]) ? shape[0] : 2;
  const until = model.graph.nodes.slice(0, model.graph.nodes.indexOf(conv));
  const head = { ...model, graph: { ...model.graph, nodes: until } };
  const { values } = tracerOf(head, batch)({ mode: "place", origins, seeds: new Map([[input.name, seed]]) });
  const found = values.get(conv.inputs[0] ?? "");
  return found === undefined ? bySize() : found.strides[1] !== 0 && new Set(toArray(found)).size === last;
}

/** What may stand between the input and its arithmetic: data movement, limits. */
const MOVES = new Set(
  "Cast Identity Transpose Reshape Squeeze Unsqueeze Pad Slice Gather Split Concat Resize Clip Min Max Where Round".split(
    " ",
  ),
);

/** They ask something of the image, which does not change it. */
const ASKS = new Set(["Shape", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal"]);

/**
 * The range [0, range] the graph expects where it does affine arithmetic on the image before the first
 * Conv or MatMul; undefined where it does none. Dividing by the standard deviation multiplies by about 4;
 * dividing by 255 as well leaves about 0.02. Where channels go separate ways, the first one's is followed.
 */
function insideRange(model: Model, topology: Topology, input: string): number | undefined {
  let name = input;
  let scale = 1;
  let arithmetic = model.graph.inputs.find((i) => i.name === input)?.dtype === "uint8";
  for (;;) {
    const readers: readonly Node[] = (topology.consumers.get(name) ?? []).filter((n) => !ASKS.has(n.op));
    const [node] = readers;
    if (node === undefined || readers.some((other) => other.op !== node.op)) break;
    const other = node.inputs.find((i) => i !== name && i !== "");
    const constant = other === undefined ? undefined : model.graph.constants.get(other);
    if (node.op === "Add" || node.op === "Sub" || node.op === "Mul" || node.op === "Div") {
      if (constant === undefined) break;
      const values = tensorToFloat32(constant);
      const size = values.reduce((sum, v) => sum + Math.abs(v), 0) / Math.max(values.length, 1);
      if (node.op === "Mul") scale *= size;
      if (node.op === "Div") scale /= size;
      arithmetic = true;
    } else if (!MOVES.has(node.op)) {
      break;
    }
    name = node.outputs[0] ?? "";
  }
  if (!arithmetic) return undefined;
  return scale < 0.2 || model.graph.inputs.some((i) => i.name === input && i.dtype === "uint8") ? 255 : 1;
}

/**
 * @file Types of all values of a model. The batch is the first axis of the inputs wherever the file leaves it
 * open, whatever name the exporter gave it; open image axes can be fixed by the caller.
 */
import { BATCH, type Dim, formatShape, isStatic, type Shape } from "../dim.js";
import { VitreousError } from "../errors.js";
import type { Model, ValueInfo } from "../graph.js";
import { Inference } from "./inference.js";

export interface InferOptions {
  /** Height and width for an image input that leaves them open. */
  readonly image?: readonly [number, number];
}

/** The model with its inputs' types completed: a symbolic batch, and the image's size where it was given. */
export function completeInputs(model: Model, options: InferOptions = {}): Model {
  const inputs = model.graph.inputs.map((input) => completeInput(input, options));
  return { ...model, graph: { ...model.graph, inputs } };
}

/** The model with `graph.types` filled in and the types of inputs and outputs completed. */
export function inferShapes(model: Model, options: InferOptions = {}): Model {
  const { graph } = completeInputs(model, options);
  const inference = new Inference(model.opsets.get("") ?? 1);
  inference.enter(graph);
  for (const node of graph.nodes) inference.visit(node);
  const outputs = graph.outputs.map((output) => completeOutput(output, inference));
  return { ...model, graph: { ...graph, outputs, types: new Map(inference.types) } };
}

function completeInput(input: ValueInfo, { image }: InferOptions): ValueInfo {
  if (input.shape === undefined) return input;
  const shape: Shape = input.shape.map((d, axis) =>
    axis === 0 && !isStatic(d) ? BATCH : isStatic(d) ? d : null,
  );
  if (image === undefined || shape.length !== 4) return { ...input, shape };
  const [height, width] = isChannelsLast(shape) ? [1, 2] : [2, 3];
  const fixed = shape.map((d, axis): Dim => (axis === height ? image[0] : axis === width ? image[1] : d));
  if (shape.some((d, axis) => axis > 0 && isStatic(d) && d !== fixed[axis])) {
    throw new VitreousError(
      `The model's input "${input.name}" has shape ${formatShape(shape)}: it cannot take images of ` +
        `${image[0]}×${image[1]} pixels. Give the size it was exported for, or none.`,
    );
  }
  return { ...input, shape: fixed };
}

/** Colours come last where the last axis is as short as colours are and the second is not. */
function isChannelsLast(shape: Shape): boolean {
  const colours = (d: Dim | undefined): boolean => typeof d === "number" && d <= 4;
  return colours(shape[3]) && !colours(shape[1]);
}

function completeOutput(output: ValueInfo, inference: Inference): ValueInfo {
  const type = inference.type(output.name);
  if (type === undefined) return output;
  return {
    name: output.name,
    dtype: type.dtype === "other" ? output.dtype : type.dtype,
    shape: type.shape ?? output.shape,
  };
}

/**
 * @file Dropout (Srivastava et al. 2014) where transformers' ViT and Swin have `hidden_dropout_prob`: of the embeddings
 * that the first block starts from, and of what each residual branch adds. Elements are zeroed by masks that the caller
 * draws, a byte each: as floats they would take as much memory as the activations.
 */
import { int } from "../onnx/attributes.js";
import type { GraphBuilder } from "../onnx/builder.js";
import { isStaticShape } from "../onnx/dim.js";
import { VitreousError } from "../onnx/errors.js";
import type { Model, ValueInfo } from "../onnx/graph.js";
import { findResiduals, multiplyBranches } from "./residuals.js";

/** ONNX's code of the type that a Cast gives. */
const FLOAT = 1;

export interface DropoutModel {
  readonly model: Model;
  /** The inputs that are masks, uint8 of their values' shapes: the embeddings', then each branch's in order. */
  readonly masks: readonly ValueInfo[];
}

/**
 * The model (types inferred, its batch fixed) whose embeddings and branches are multiplied by mask / (1 − rate).
 *
 * @param prefix of the masks' names
 * @param rate probability that an element is zeroed
 * @throws VitreousError for a model without residual branches
 */
export function withDropout(model: Model, prefix: string, rate: number): DropoutModel {
  const residuals = findResiduals(model.graph);
  const [first] = residuals;
  if (first === undefined)
    throw new VitreousError("The model has no residual branches: there is nowhere for dropout to act.");
  const masks = [first.trunk, ...residuals.map(({ branch }) => branch)].map((value, i): ValueInfo => {
    const shape = model.graph.types.get(value)?.shape;
    if (!isStaticShape(shape)) throw new RangeError(`the shape of ${value} is not known`);
    return { name: `${prefix}/${i}`, dtype: "uint8", shape };
  });
  const factor = (builder: GraphBuilder, mask: string): string =>
    builder.add("Mul", [builder.add("Cast", [mask], { to: int(FLOAT) }), builder.float(1 / (1 - rate))]);
  const dropped = multiplyBranches(model, residuals, masks, {
    start: (builder) => factor(builder, `${prefix}/0`),
    branch: (builder, _, i) => factor(builder, `${prefix}/${i + 1}`),
  });
  return { model: dropped, masks };
}

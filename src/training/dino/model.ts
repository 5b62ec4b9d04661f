/**
 * @file A backbone with DINO's projection head in the place of its classifier, for large and small crops: the model that
 * the student is, and with averaged weights the teacher.
 */
import type { Size } from "../../models/architecture.js";
import { nameOf } from "../../models/description.js";
import { type BuiltModel, buildModel } from "../../models/index.js";
import { FEATURES } from "../../models/layers.js";
import type { StoredTensors } from "../../models/stored-tensor.js";
import type { Trainable } from "../../models/trainable.js";
import { type Binding, weightsOf } from "../../models/weights.js";
import { GraphBuilder } from "../../onnx/builder.js";
import { VitreousError } from "../../onnx/errors.js";
import { imageOf } from "../forms.js";
import { type MixedSizes, mixedSizes } from "../sizes.js";
import { freshHead, type Head, headOf, writeProjection } from "./head.js";
import type { DinoModelOptions } from "./types.js";

export interface DinoModel extends MixedSizes {
  readonly head: Head;
  /** [height, width] of the crops. */
  readonly globalSize: Size;
  readonly localSize: Size | undefined;
}

/** Length of the vectors that a graph of features gives. */
function widthOf({ model }: BuiltModel, name: string): number {
  const [output] = model.graph.outputs;
  const width = output?.shape?.[1];
  if (output?.name === FEATURES && typeof width === "number") return width;
  throw new VitreousError(
    `${name} cannot be pretrained with DINO: its graph does not give the features in front of its classifier.`,
  );
}

/** The backbone's graph with the head behind it; the features stay an output, behind the logits. */
async function withProjection(trunk: BuiltModel, head: Head, tensors: StoredTensors): Promise<BuiltModel> {
  const weights = weightsOf(tensors, "the projection head");
  const written = () => {
    const graph = GraphBuilder.extending(trunk.model);
    const logits = writeProjection({ graph, weights }, head, FEATURES);
    return graph.build([logits, FEATURES]);
  };
  written();
  weights.finish();
  await weights.load();
  const graph = written();
  const own = [...graph.constants].flatMap(([name, tensor]): [string, Binding][] => {
    const binding = weights.bindings.get(tensor);
    return binding === undefined ? [] : [[name, binding]];
  });
  return {
    ...trunk,
    model: { ...trunk.model, graph },
    bindings: new Map([...trunk.bindings, ...own]),
  };
}

/** What DINO's decay applies to (utils.get_params_groups): all but biases and vectors; tokens and positions too. */
const decayed = (tensor: string, dims: readonly number[]): boolean =>
  dims.length > 1 && !tensor.endsWith(".bias");

/**
 * The student's model. Of a ViT the head reads the class token behind the last norm, of a Swin the mean of its tokens.
 *
 * @param backbone as `trainable` and `firstBlocks` make it; its classifier is left out
 * @throws VitreousError for a backbone that gives no features, sizes of images that it cannot be built for, and numbers
 *   that make no head
 */
export async function dinoModel(backbone: Trainable, options: DinoModelOptions = {}): Promise<DinoModel> {
  const { description, tensors } = backbone;
  const { globalSize, localSize, studentTemperature = 0.1, seed = 0 } = options;
  const trunkAt = (image: Size | undefined) =>
    buildModel(description, tensors, { image, features: "pooled" });
  let first: BuiltModel | undefined = await trunkAt(globalSize);
  const [, height = 0, width = 0] = imageOf(first);
  const head = headOf(widthOf(first, nameOf(description)), studentTemperature, options.head);
  const fresh = freshHead(head, seed);
  const build = async (image: Size | undefined): Promise<BuiltModel> => {
    const trunk = image === undefined && first !== undefined ? first : await trunkAt(image ?? globalSize);
    first = undefined;
    return withProjection(trunk, head, fresh);
  };
  const small = localSize === undefined ? [] : [localSize];
  const mixed = await mixedSizes(build, small, new Map([...tensors, ...fresh]), { decayed });
  return { ...mixed, head, globalSize: [height, width], localSize };
}

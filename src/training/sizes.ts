/**
 * @file One model for several image sizes, whose graphs differ and whose parameters do not: positions are interpolated
 * from the one trained embedding as the model's library does it, and gradients come back the same way.
 */
import type { Size } from "../models/architecture.js";
import type { BuiltModel, StoredTensors } from "../models/index.js";
import { VitreousError } from "../onnx/errors.js";
import { imageOf, sizeName } from "./forms.js";
import { type ParameterOptions, type ParameterSet, parameterSets } from "./parameters.js";
import type { SizedModel } from "./plan.js";

export interface MixedSizes extends SizedModel {
  /** What was built for the model's own size. */
  readonly built: BuiltModel;
  readonly sizes: readonly SizedModel[];
}

/** The model with the constants that are trained as they are shared with another's: they are the same. */
function sharing({ model }: BuiltModel, own: BuiltModel, { parameters }: ParameterSet): BuiltModel["model"] {
  const { constants } = model.graph;
  const direct = new Set(parameters.flatMap(({ name, direct: taken }) => (taken ? [name] : [])));
  const shared = [...constants].map(
    ([name, tensor]) => [name, (direct.has(name) && own.model.graph.constants.get(name)) || tensor] as const,
  );
  return { ...model, graph: { ...model.graph, constants: new Map(shared) } };
}

/**
 * What a trainer takes of a model for several image sizes: spread it into the options.
 *
 * @param build the model for images of a size, undefined for its own; called once for each
 * @param sizes [height, width] of the other sizes; its own may be among them
 * @throws VitreousError naming a size that the model cannot be built for, and where nothing is left to train
 */
export async function mixedSizes(
  build: (image: Size | undefined) => Promise<BuiltModel>,
  sizes: readonly Size[],
  tensors: StoredTensors,
  options: ParameterOptions = {},
): Promise<MixedSizes> {
  const built = await build(undefined);
  const others: BuiltModel[] = [];
  const made = new Set([sizeName(imageOf(built).slice(1))]);
  for (const size of sizes) {
    if (made.has(sizeName(size))) continue;
    made.add(sizeName(size));
    others.push(
      await build(size).catch((error: unknown) => {
        if (!(error instanceof VitreousError)) throw error;
        throw new VitreousError(`Images of ${sizeName(size)} cannot be trained on: ${error.message}`);
      }),
    );
  }
  const sets = await parameterSets(built, others, tensors, options);
  return {
    built,
    model: built.model,
    parameters: sets.own,
    sizes: others.flatMap((other, i) => {
      const parameters = sets.others[i];
      return parameters === undefined ? [] : [{ model: sharing(other, built, sets.own), parameters }];
    }),
  };
}

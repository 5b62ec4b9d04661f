/**
 * @file From a model as exporters and optimisers leave it to the one form that the rest of Vitreous works on:
 * functions inlined, lists taken apart, fp32, opset ≥ 20, fused operators as primitives, shapes known, constants folded.
 */
import { canonicalise } from "./canonical/canonicalise.js";
import { recogniseGelu } from "./canonical/gelu.js";
import { recogniseLayerNorm } from "./canonical/layer-norm.js";
import { lowerSequences } from "./canonical/sequences.js";
import { joinRearrangements } from "./canonical/simplify.js";
import { inlineFunctions } from "./functions.js";
import type { Model } from "./graph.js";
import { widenHalf } from "./half.js";
import { foldConstants } from "./shape/fold.js";
import { completeInputs, type InferOptions, inferShapes } from "./shape/infer-shapes.js";

export type PrepareOptions = InferOptions;

/** The model in canonical form, with `graph.types` filled. Weights are shared, not copied. */
export function prepare(model: Model, options: PrepareOptions = {}): Model {
  const plain = widenHalf(lowerSequences(inlineFunctions(model)));
  const folded = foldConstants(canonicalise(completeInputs(plain, options)));
  const recognised = recogniseGelu(recogniseLayerNorm(folded));
  return inferShapes(foldConstants(joinRearrangements(recognised)));
}

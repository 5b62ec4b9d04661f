/**
 * @file Deletion: from the image, the most important pixels are set to a baseline; a faithful map brings the class's probability down early. Lower is better.
 * Petsiuk, Das & Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC 2018.
 */

import { checkOptions } from "../spec.js";
import type { Metric } from "./metric.js";
import { type CurveOptions, curveSchema } from "./options.js";
import { drawsFromSeed, perturbationPlan } from "./perturbation.js";

export const deletionSchema = curveSchema("zero");

/** AUC of the class's softmax probability over the fraction of pixels exchanged, in [0, 1]. */
export function deletion(options: CurveOptions = {}): Metric {
  const resolved = checkOptions("deletion", deletionSchema, options);
  return {
    name: "deletion",
    parameters: { ...resolved },
    direction: "lower",
    category: "faithfulness",
    citation: "Petsiuk et al., RISE, BMVC 2018 (arXiv 1806.07421)",
    random: drawsFromSeed(resolved),
    plan: (subject) =>
      perturbationPlan(subject, {
        ...resolved,
        direction: "delete",
        step: resolved.step === "width" ? subject.image.width : resolved.step,
      }),
  };
}

/**
 * @file Insertion: from the blurred image, the most important pixels are set to the image's own; a faithful map brings the class's probability up early. Higher is better.
 * Petsiuk, Das & Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC 2018.
 */

import { checkOptions } from "../spec.js";
import type { Metric } from "./metric.js";
import { type CurveOptions, curveSchema } from "./options.js";
import { drawsFromSeed, perturbationPlan } from "./perturbation.js";

export const insertionSchema = curveSchema("blur");

/** AUC of the class's softmax probability over the fraction of pixels exchanged, in [0, 1]. */
export function insertion(options: CurveOptions = {}): Metric {
  const resolved = checkOptions("insertion", insertionSchema, options);
  return {
    name: "insertion",
    parameters: { ...resolved },
    direction: "higher",
    category: "faithfulness",
    citation: "Petsiuk et al., RISE, BMVC 2018 (arXiv 1806.07421)",
    random: drawsFromSeed(resolved),
    plan: (subject) =>
      perturbationPlan(subject, {
        ...resolved,
        direction: "insert",
        step: resolved.step === "width" ? subject.image.width : resolved.step,
      }),
  };
}

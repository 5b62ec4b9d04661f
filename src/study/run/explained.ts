/** @file Which class of each image is explained: settled once, from the stored predictions, for all methods and metrics. */
import { argmax } from "../../api/prediction.js";
import type { TargetChoice } from "../../api/target.js";
import type { PlannedImage } from "../plan/plan.js";
import type { ByImage, Predictions } from "./results.js";

/** z[index], or z[index] − z[minus]; scores follow the probability of `index`. */
export interface Explained {
  readonly index: number;
  readonly minus?: number;
}

/** null: the image could not be used, or the true class is wanted and the model does not have it (see `unexplained`). */
export function explainedClasses(
  choice: TargetChoice,
  { logits }: Predictions,
  images: readonly PlannedImage[],
  classOf: (label: string) => number | undefined,
): ByImage<Explained> {
  return logits.map((row, i) => {
    if (row === null) return null;
    if (choice === "top") return { index: argmax(row) };
    if (typeof choice === "number") return { index: choice };
    if (typeof choice === "object") return { index: choice.plus, minus: choice.minus };
    const index = trueClass(images[i], classOf);
    return index === undefined ? null : { index };
  });
}

/** Of the model's classes; undefined: no label, or one that is none of them. */
export function trueClass(
  image: PlannedImage | undefined,
  classOf: (label: string) => number | undefined,
): number | undefined {
  const label = image?.label ?? null;
  return label === null ? undefined : classOf(label);
}

/** Why an image whose logits are known has no class to explain. */
export function unexplained({ label }: PlannedImage): string {
  return label === null
    ? "it has no label, and the true class is to be explained"
    : `the model has no class "${label}", and the true class is to be explained`;
}

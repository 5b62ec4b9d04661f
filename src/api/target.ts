/**
 * @file What is explained: a class's logit, or the difference of two. Written as the command line does: "top", an
 * index, a label, "true", "A-B".
 */
import { VitreousError } from "../onnx/errors.js";

/** The predicted class; a class; one class against another (z_plus − z_minus). */
export type Target = "top" | number | { readonly plus: number; readonly minus: number };

/** "true" stands for each image's own label and is settled image by image. */
export type TargetChoice = Target | "true";

/** Why what needs a class cannot be had from a model without a classifier. */
export const NO_CLASSES =
  "this model gives features and no class scores, so there is no class to explain or to score: give it a linear classifier with --head FILE, or use a model that has one";

/** Reads CLASS as the command line has it. A label wins over a number, and a whole label over a difference. */
export function parseTarget(text: string, labels: readonly string[]): TargetChoice {
  if (text === "top" || text === "true") return text;
  if (labels.length === 0) throw new VitreousError(NO_CLASSES);
  const single = classIndex(text, labels);
  if (single !== undefined) return single;
  for (let dash = text.indexOf("-"); dash >= 0; dash = text.indexOf("-", dash + 1)) {
    const plus = classIndex(text.slice(0, dash), labels);
    const minus = classIndex(text.slice(dash + 1), labels);
    if (plus !== undefined && minus !== undefined) {
      if (plus === minus)
        throw new VitreousError(`class "${text}" is a class against itself, which is always 0`);
      return { plus, minus };
    }
  }
  throw new VitreousError(`the model has no class "${text}"; ${classesInWords(labels)}`);
}

/** Index of a class given by label (case-insensitively where that is unambiguous) or number. */
export function classIndex(text: string, labels: readonly string[]): number | undefined {
  const exact = labels.indexOf(text);
  if (exact >= 0) return exact;
  const lower = text.trim().toLowerCase();
  const alike = labels.flatMap((label, i) => (label.toLowerCase() === lower ? [i] : []));
  if (alike.length === 1) return alike[0];
  if (!/^\d+$/.test(lower)) return undefined;
  const index = Number(lower);
  return index < labels.length ? index : undefined;
}

/**
 * Which of a model's classes a data set's labels mean: undefined for one that is none of them. Numbers are classes only
 * where all of the labels are: a folder "2024" beside others is no class 2024.
 *
 * @param said all labels of the data set
 */
export function classReader(
  said: readonly string[],
  labels: readonly string[],
): (label: string) => number | undefined {
  const numbered =
    said.length > 1 && said.every((label) => /^\d+$/.test(label) && Number(label) < labels.length);
  return (label) => (numbered || !/^\d+$/.test(label) ? classIndex(label, labels) : undefined);
}

function classesInWords(labels: readonly string[]): string {
  const named = labels.some((label, i) => label !== String(i));
  const range = `it has ${labels.length} classes, 0 to ${labels.length - 1}`;
  return named && labels.length <= 20 ? `${range}: ${labels.join(", ")}` : range;
}

/** ∂(explained scalar)/∂logits, [classes]. */
export function seedOf(target: Exclude<Target, "top">, classes: number): Float32Array {
  const seed = new Float32Array(classes);
  const { plus, minus } = typeof target === "number" ? { plus: target, minus: undefined } : target;
  for (const index of minus === undefined ? [plus] : [plus, minus]) {
    if (!(Number.isInteger(index) && index >= 0 && index < classes)) {
      throw new VitreousError(
        `the model has no class ${index}; it has ${classes} classes, 0 to ${classes - 1}`,
      );
    }
  }
  seed[plus] = 1;
  if (minus !== undefined) seed[minus] = -1;
  return seed;
}

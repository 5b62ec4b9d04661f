/** @file Classifiers of a model that is to be trained: the checkpoint's own where its classes stay, new ones where they change. */
import { VitreousError } from "../onnx/errors.js";

/** "LABEL_0", "LABEL_1", …: what transformers calls classes that nobody named. */
export const plainLabels = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `LABEL_${i}`);

/** Whether the classes have names of their own. */
export const isNamed = (labels: readonly string[] | undefined): labels is readonly string[] =>
  labels?.some((label, i) => label !== `LABEL_${i}`) ?? false;

export interface Classes {
  readonly labels: readonly string[];
  /** Whether the checkpoint's classifier is of these classes. */
  readonly kept: boolean;
  /** The checkpoint's classes, where they are these in another order. */
  readonly reordered?: readonly string[];
}

/**
 * The classes of the model. A classifier stays only where the classes' names are the same in the same order,
 * or the checkpoint has not named as many.
 *
 * @param asked undefined: the checkpoint's own
 * @param own undefined where they are not named
 * @param count of the checkpoint's classifier; 0 where it has none
 * @throws VitreousError where there are no classes, or two of one name (a checkpoint's own may share one: ImageNet's two cranes)
 */
export function classesFor(
  asked: readonly string[] | undefined,
  own: readonly string[] | undefined,
  count: number,
): Classes {
  if (asked === undefined) {
    if (count === 0)
      throw new VitreousError("the checkpoint has no classifier: say which classes there are.");
    return { labels: own ?? plainLabels(count), kept: true };
  }
  const twice = asked.find((label, i) => asked.indexOf(label) < i);
  if (twice !== undefined) throw new VitreousError(`two classes are called "${twice}": rename one of them.`);
  const same = isNamed(own) ? own.length === asked.length && own.every((name, i) => name === asked[i]) : true;
  const reordered =
    isNamed(own) && !same && own.length === asked.length && own.every((name) => asked.includes(name))
      ? own
      : undefined;
  return {
    labels: asked,
    kept: count > 0 && asked.length === count && same,
    ...(reordered && { reordered }),
  };
}

/** A sentence for people. */
export const classifierNote = ({ labels, kept, reordered }: Classes, count: number): string =>
  kept
    ? `The checkpoint's classifier of ${count} classes is kept.`
    : `A new classifier of ${labels.length} classes ${count === 0 ? "was added" : `takes the place of the checkpoint's of ${count}`}${reordered === undefined ? "" : `, whose classes are the same in another order (${reordered.join(", ")}); in that order it would be kept`}.`;

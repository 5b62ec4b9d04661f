/** @file Classifiers of a translated model: the checkpoint's own where its classes stay, new ones where they change. */
import { VitreousError } from "../../../onnx/errors.js";
import { isNamed, plainLabels } from "./configuration.js";

export interface Classes {
  readonly labels: readonly string[];
  /** Whether the checkpoint's classifier is of these classes. */
  readonly kept: boolean;
}

/**
 * The classes of the translated model. A classifier stays only where the classes' names are the same in the same order,
 * or the checkpoint has not named as many.
 *
 * @param asked undefined: the checkpoint's own
 * @param own undefined where they are not named
 * @param count of the checkpoint's classifier; 0 where it has none
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
  const same = isNamed(own) ? own.length === asked.length && own.every((name, i) => name === asked[i]) : true;
  return { labels: asked, kept: count > 0 && asked.length === count && same };
}

/** A sentence for people. */
export const classifierNote = ({ labels, kept }: Classes, count: number): string =>
  kept
    ? `The checkpoint's classifier of ${count} classes is kept.`
    : `A new classifier of ${labels.length} classes takes the place of ${count === 0 ? "none" : `the checkpoint's of ${count}`}.`;

/**
 * @file The images that a model takes for another class: they are explained and scored once by what the model took them
 * for and once by what they are, whatever the study explains, so that the two can be laid beside each other. They are
 * chunks like any others, under another class, so that they are stored, claimed and resumed by the same rules.
 */
import { argmax } from "../../api/prediction.js";
import { chunksOf, type PlannedImage } from "../plan/plan.js";
import { trueClass } from "./explained.js";
import type { Predictions } from "./results.js";
import { type ChunkUnits, chunkUnits, type UnitContext } from "./units.js";

/** A mistake's two classes, in the order in which they are explained. */
export const MISTAKEN_CLASSES = ["predicted", "true"] as const;
export type MistakenClass = (typeof MISTAKEN_CLASSES)[number];

export interface MistakeChunk {
  readonly explained: MistakenClass;
  readonly context: UnitContext;
  readonly images: readonly PlannedImage[];
  readonly units: ChunkUnits;
}

/** As a study's `class` says it. */
const CLASS_OF = { predicted: "top", true: "true" } as const;

/** Whether the study's own maps are of this class. */
export const isDeclared = (
  { declaration }: Pick<UnitContext, "declaration">,
  explained: MistakenClass,
): boolean => declaration.class === CLASS_OF[explained];

/** In the chunk's order; none without labels that the model knows. */
export function mistakenImages(
  { classOf }: UnitContext,
  images: readonly PlannedImage[],
  { logits }: Predictions,
): readonly PlannedImage[] {
  return images.filter((image, i) => {
    const [row, truth] = [logits[i], trueClass(image, classOf)];
    return row && truth !== undefined && argmax(row) !== truth;
  });
}

/**
 * What is computed of a model's mistakes beyond the study's own units.
 *
 * @param mistaken of all chunks, in order; the first `report.misclassified` are taken
 */
export function mistakeChunks(
  context: UnitContext,
  mistaken: readonly PlannedImage[],
): readonly MistakeChunk[] {
  const { declaration } = context;
  const chosen = mistaken.slice(0, declaration.report.misclassified);
  return MISTAKEN_CLASSES.filter((explained) => !isDeclared(context, explained)).flatMap((explained) => {
    const other = {
      ...context,
      declaration: { ...declaration, class: CLASS_OF[explained], controls: [] },
    };
    return chunksOf(chosen, declaration.run.unit).map((images) => ({
      explained,
      context: other,
      images,
      units: chunkUnits(other, images),
    }));
  });
}

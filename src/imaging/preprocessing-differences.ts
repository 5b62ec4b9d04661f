/** @file How a preparation differs from another that has to take its place, for the person who trains with it. */
import { type Preprocessing, sizingInWords } from "./preprocessing.js";

/** Whether the window may lie beyond the resized picture. */
const mayPad = ({ resize, crop }: Preprocessing): boolean =>
  crop !== null &&
  (resize === null ||
    (resize.mode === "shortest-edge"
      ? Math.max(crop.height, crop.width) > resize.size
      : crop.height > resize.height || crop.width > resize.width));

/** Without a crop that takes all there is. */
function sizing({ resize, crop }: Preprocessing): string {
  const whole = resize?.mode === "exact" && resize.height === crop?.height && resize.width === crop.width;
  return sizingInWords({ resize, crop: whole ? null : crop });
}

/** Whether half a pixel of the crop's place goes the other way. */
const crops = ({ crop }: Preprocessing): string | undefined => crop?.rounding;

/**
 * Sentences for people; none where pictures come out the same.
 *
 * @param library the one that pictures are now prepared by
 */
export function differences(asked: Preprocessing, got: Preprocessing, library: string): readonly string[] {
  const [before, after] = [sizing(asked), sizing(got)];
  const notes: string[] = [];
  if (before !== after) {
    notes.push(
      `Pictures are prepared otherwise than for the checkpoint, since ${library} has no words for it: ${after} (before: ${before}).`,
    );
  }
  if (asked.resizeOn !== got.resizeOn && asked.resize !== null) {
    notes.push(
      `Pictures are resized with the arithmetic of ${library}, which differs from the checkpoint's by a few grey levels at most.`,
    );
  }
  if (before === after && before.includes("centre") && crops(asked) !== crops(got)) {
    notes.push(`The crop is laid as ${library} does, at most a pixel away from the checkpoint's.`);
  }
  if (asked.crop && got.crop && mayPad(asked) && asked.crop.fill.join() !== got.crop.fill.join()) {
    notes.push(`What lies beyond the picture is filled as ${library} does.`);
  }
  return notes;
}

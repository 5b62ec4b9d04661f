/** @file How large DINO's small crops are for a model of any size. */
import type { Plan, Size } from "../../models/architecture.js";
import { VitreousError } from "../../onnx/errors.js";

/** Published: small crops of 96 pixels for large ones of 224. */
const SHARE = 96 / 224;

interface Grain {
  /** [height, width] in pixels of what becomes one token in the end. */
  readonly unit: Size;
  /** [height, width] of the smallest picture. */
  readonly least: Size;
}

function grainOf({ network }: Plan): Grain {
  if (network === undefined)
    throw new VitreousError("Nothing is known of this model's patches: say how large the small crops are.");
  if (network.kind === "vit") return { unit: network.vit.patch, least: network.vit.patch };
  const { patch, stages } = network.swin;
  const inStage = (side: number, stage: number): number => side * 2 ** stage;
  const [rows, columns] = [0, 1].map((axis) => {
    const pixels = patch[axis] ?? 1;
    const windows = stages.map(({ blocks }, stage) => {
      const [attention] = blocks.map((block) => block.attention);
      // Swin has a bias for each place in its window, which no smaller grid can use; Swin V2 computes its biases.
      const window = attention?.logitScale === undefined ? (attention?.windows.window[axis] ?? 1) : 1;
      return inStage(window * pixels, stage);
    });
    return { unit: inStage(pixels, stages.length - 1), least: Math.max(...windows) };
  });
  return {
    unit: [rows?.unit ?? 1, columns?.unit ?? 1],
    least: [rows?.least ?? 1, columns?.least ?? 1],
  };
}

/**
 * [height, width] in proportion as published, of whole tokens, and no smaller than a Swin's windows allow.
 *
 * @throws VitreousError for a model whose patches are not known
 */
export function localSizeOf(plan: Plan): Size {
  const [, height, width] = plan.input;
  const { unit, least } = grainOf(plan);
  const whole = (side: number, axis: 0 | 1): number =>
    Math.max(
      unit[axis],
      Math.ceil(least[axis] / unit[axis]) * unit[axis],
      Math.round((side * SHARE) / unit[axis]) * unit[axis],
    );
  return [whole(height, 0), whole(width, 1)];
}

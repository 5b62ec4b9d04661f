/** @file How large DINO's small crops are for a model of any size. */
import type { Plan, Size } from "../../models/architecture.js";
import { VitreousError } from "../../onnx/errors.js";

/** Published: small crops of 96 pixels for large ones of 224. */
const SHARE = 96 / 224;

/** Pixels that become one token in the end. */
function unitOf({ network }: Plan): Size {
  if (network === undefined)
    throw new VitreousError("Nothing is known of this model's patches: say how large the small crops are.");
  if (network.kind === "vit") return network.vit.patch;
  const { patch, stages } = network.swin;
  const merged = 2 ** (stages.length - 1);
  return [patch[0] * merged, patch[1] * merged];
}

/**
 * [height, width] in proportion as published, of whole tokens.
 *
 * @throws VitreousError for a model whose patches are not known
 */
export function localSizeOf(plan: Plan): Size {
  const [, height, width] = plan.input;
  const [rows, columns] = unitOf(plan);
  const whole = (side: number, unit: number): number =>
    Math.max(unit, Math.round((side * SHARE) / unit) * unit);
  return [whole(height, rows), whole(width, columns)];
}

/** @file A training's results never take the place of another's. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { VitreousError } from "../../../onnx/errors.js";

/** @throws VitreousError for a folder that holds a model which is not this run's */
export async function refuseOccupied(out: string): Promise<void> {
  for (const name of ["config.json", "model.safetensors", "model.onnx", "training.json"]) {
    if ((await stat(join(out, name)).catch(() => undefined)) !== undefined)
      throw new VitreousError(
        `${out} holds ${name} already, and no state of a run that could be gone on with; give another folder`,
      );
  }
}

/** @file DINO on onnxruntime-node, in a worker thread. */
import type { NodeRuntimeOptions } from "../../../runtime/node/node-runtime.js";
import { nodeTrainer } from "../../node/trainer.js";
import type { DinoModel } from "../model.js";
import { openDinoTrainer } from "../trainer.js";
import type { DinoTrainer, DinoTrainerOptions } from "../types.js";

/**
 * Starts a worker that trains. `close()` it when done.
 *
 * @throws VitreousError as `nodeTrainer` does
 */
export const nodeDinoTrainer = (
  model: DinoModel,
  options: DinoTrainerOptions & NodeRuntimeOptions,
): Promise<DinoTrainer> => {
  const { threads, device } = options;
  return openDinoTrainer(
    (settings) =>
      nodeTrainer({
        ...settings,
        ...(threads === undefined ? {} : { threads }),
        ...(device === undefined ? {} : { device }),
      }),
    model,
    options,
  );
};

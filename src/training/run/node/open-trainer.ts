/** @file A fine-tuning's options as those of the trainer that takes its steps. */
import { nodeTrainer } from "../../node/trainer.js";
import type { Trainer } from "../../trainer.js";
import type { FinetuneRequest } from "./request.js";
import type { StartingModel } from "./starting-model.js";

/** @param batches of an epoch */
export function openFinetuneTrainer(
  request: FinetuneRequest,
  model: StartingModel,
  batches: number,
): Promise<Trainer> {
  const { options, open } = request;
  const perEpoch = Math.ceil(batches / options.accumulate);
  const steps = perEpoch * options.epochs;
  return nodeTrainer({
    model: model.built.model,
    parameters: model.parameters,
    sizes: model.sizes,
    batch: options.batch,
    objective:
      request.teacher === undefined
        ? { kind: "cross-entropy" }
        : {
            kind: "distillation",
            mode: options.distillation,
            alpha: options.distillationShare,
            temperature: options.temperature,
          },
    schedule: {
      kind: options.schedule,
      peak: options.learningRate,
      warmup: Math.min(steps, Math.round(options.warmup * perEpoch)),
      steps,
    },
    adamw: { weightDecay: options.weightDecay },
    layerDecay: options.layerDecay,
    ...(options.clip > 0 && { clip: options.clip }),
    ...(options.ema > 0 && { averaging: { decay: options.ema, warmup: true } }),
    ...(options.dropPath > 0 && { dropPath: options.dropPath }),
    ...(options.dropout > 0 && { dropout: options.dropout }),
    seed: options.seed,
    ...(open.device && { device: open.device }),
    ...(open.threads && { threads: open.threads }),
  });
}

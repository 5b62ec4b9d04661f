/** @file A trainer on onnxruntime-node, in a worker thread. */
import { Worker } from "node:worker_threads";
import { type NodeRuntimeOptions, sessionOptions } from "../../runtime/node/node-runtime.js";
import { workerWire } from "../../runtime/node/wire.js";
import { openTrainer, type Trainer, type TrainerOptions } from "../trainer.js";
import type { TrainerJob } from "../worker/protocol.js";

/**
 * Starts a worker that trains. `close()` it when done; a process that forgets to can end all the same.
 *
 * @throws VitreousError when this machine has no build of onnxruntime-node or the build lacks the device, and for settings
 *   that make no training
 */
export async function nodeTrainer(options: TrainerOptions & NodeRuntimeOptions): Promise<Trainer> {
  // A plan of the memory would be made of the first run's, and kept beside it: twice as much for no speed.
  const settings = { ...sessionOptions(options), enableMemPattern: false };
  // Node's own options are not for the worker: some of them (--input-type, --eval) keep it from starting.
  const start = () =>
    workerWire<TrainerJob>(new Worker(new URL("./worker.js", import.meta.url), { execArgv: [] }));
  return openTrainer(start, { device: options.device ?? "cpu", settings }, options);
}

/**
 * @file onnxruntime-node behind the `Runtime` interface, in a worker thread: its `run` blocks the event loop of
 * the thread that calls it.
 */
import { availableParallelism, cpus } from "node:os";
import { Worker } from "node:worker_threads";
import type { InferenceSession } from "onnxruntime-node";
import { VitreousError } from "../../onnx/errors.js";
import type { DEVICES } from "../devices.js";
import type { Runtime } from "../runtime.js";
import { remoteRuntime } from "../worker/remote.js";
import { workerWire } from "./wire.js";

export interface NodeRuntimeOptions {
  /** Where to run; "cpu" by default. The others need a build of onnxruntime-node that has them. */
  readonly device?: (typeof DEVICES)[number];
  /** Threads to compute with; by default as many as there are physical cores. */
  readonly threads?: number;
}

/**
 * ONNX Runtime takes all physical cores of the machine when told 0, and pins its threads to them; a process that
 * may use fewer (a container, `taskset`) has to say so.
 */
function defaultThreads(): number {
  const allowed = availableParallelism();
  return allowed < cpus().length ? allowed : 0;
}

/**
 * How sessions are opened here.
 *
 * @throws VitreousError for a number of threads that is none
 */
export function sessionOptions({
  device = "cpu",
  threads = defaultThreads(),
}: NodeRuntimeOptions): InferenceSession.SessionOptions {
  if (!Number.isInteger(threads) || threads < 0) {
    throw new VitreousError(`The number of threads must be a whole number above 0, not ${threads}.`);
  }
  return {
    executionProviders: [device],
    intraOpNumThreads: threads,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    logSeverityLevel: 4,
    extra: {
      // Threads that spin between two operators answer faster than threads that sleep (ViT-Ti/16, one image, two
      // idle cores: 17 ms, without spinning 18), but by default those of an idle session spin on and take the
      // cores from the session that works (31 ms with two sessions in turn; 17 when told to stop at a run's end).
      // On cores that others use as well, long spinning is a loss: a batch of 8 took 0.71 of the time with 200 µs.
      "session.force_spinning_stop": "1",
      "session.intra_op.spin_duration_us": "200",
    },
  };
}

/**
 * Starts a worker with onnxruntime-node. Runs of all its sessions are queued, one at a time, since each uses all
 * threads. `close()` it when done; a process that forgets to can end all the same.
 *
 * Throws `VitreousError` when this machine has no build of onnxruntime-node or the build lacks the device.
 */
export async function nodeRuntime(options: NodeRuntimeOptions = {}): Promise<Runtime> {
  const settings = sessionOptions(options);
  // Node's own options are not for the worker: some of them (--input-type, --eval) keep it from starting.
  const worker = new Worker(new URL("./worker.js", import.meta.url), { execArgv: [] });
  return await remoteRuntime(workerWire(worker), options.device ?? "cpu", settings);
}

/** @file The caller's line to the worker that trains: one request after the other, and its refusals in words. */
import { VitreousError } from "../onnx/errors.js";
import { failure } from "../runtime/failure.js";
import { asker, Refusal, type Wire } from "../runtime/worker/ask.js";
import type { Opened, TrainerJob } from "./worker/protocol.js";

export interface Link {
  /** @throws VitreousError for what ONNX Runtime refuses */
  request(job: TrainerJob, transfer?: readonly ArrayBuffer[]): Promise<unknown>;
  /** Does one piece of work after the other: a step is several requests. */
  queued<T>(work: () => Promise<T>): Promise<T>;
  /** Ends the worker after what was queued so far. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens ONNX Runtime in the worker.
 *
 * @param device what messages call where it runs; `settings` are the worker's for it
 * @throws VitreousError where it cannot be started or lacks the device; the worker has ended by then
 */
export async function openLink(
  wire: Wire<TrainerJob>,
  { device, settings }: { readonly device: string; readonly settings: unknown },
): Promise<Link> {
  const ask = asker(wire);
  let devices: readonly string[] = [];
  let closing: Promise<void> | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function request(job: TrainerJob, transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    try {
      return await ask(job, transfer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (job.kind === "open")
        throw new VitreousError(
          `ONNX Runtime cannot be started: ${error.message.split("\n", 1)[0]}. Is it installed, and built for this platform?`,
          { cause: error.message },
        );
      const doing = job.kind === "loadStep" || job.kind === "loadInference" ? "load" : "run";
      throw failure(error.message, { doing, model: "the training step", device, devices });
    }
  }

  function queued<T>(work: () => Promise<T>): Promise<T> {
    if (closing !== undefined) return Promise.reject(new VitreousError("The trainer was closed."));
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  }

  function close(): Promise<void> {
    closing ??= last
      .then(() => ask({ kind: "close" }))
      .catch(() => undefined)
      .then(() => wire.end());
    return closing;
  }

  try {
    devices = ((await request({ kind: "open", settings })) as Opened).devices;
    if (devices.length > 0 && !devices.includes(device))
      throw new VitreousError(
        `The installed ONNX Runtime was built without the device '${device}'; it has ${devices.join(", ")}.`,
      );
  } catch (error) {
    await close();
    throw error;
  }
  return { request, queued, close };
}

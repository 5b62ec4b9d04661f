/** @file Node's worker thread as the end of a wire. */
import type { Worker } from "node:worker_threads";
import type { Wire } from "../worker/ask.js";
import type { Reply } from "../worker/protocol.js";

export function workerWire<Job>(worker: Worker): Wire<Job> {
  let exited = false;
  const exit = new Promise<void>((resolve) => {
    worker.once("exit", () => {
      exited = true;
      resolve();
    });
  });
  return {
    post: (request, transfer) => worker.postMessage(request, transfer),
    busy: (awaiting) => (awaiting ? worker.ref() : worker.unref()),
    onReply: (listener) => worker.on("message", (reply: Reply) => listener(reply)),
    onEnd(listener) {
      worker.once("error", (error: Error) =>
        listener(`The worker that runs ONNX Runtime crashed: ${error.message}.`),
      );
      worker.once("exit", () => listener("The runtime was closed; open another one."));
    },
    async end() {
      if (!exited) worker.ref();
      await exit;
    },
  };
}

/**
 * @file The worker thread that onnxruntime-node runs in, because its `run` blocks the event loop of its thread.
 *
 * @import { InferenceSession } from "onnxruntime-node"
 */
import { parentPort } from "node:worker_threads";
import { serve } from "../worker/serve.js";

const port = parentPort;
if (port === null) throw new Error("This module is the entry of a worker thread.");

const handle = serve({
  post(reply, transfer) {
    try {
      port.postMessage(reply, transfer);
    } catch (error) {
      // Releases of onnxruntime-node after 1.30 own the outputs' memory, which Node refuses to move; copy it.
      if (!(error instanceof DOMException && error.name === "DataCloneError")) throw error;
      port.postMessage(reply);
    }
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  async open(settings) {
    // Imported here, so that a platform without a build of it is told in a reply and not by a crash.
    const ort = await import("onnxruntime-node");
    // Errors reach the caller as exceptions; ONNX Runtime would print them to standard error too.
    ort.env.logLevel = "fatal";
    return {
      engine: {
        InferenceSession: ort.InferenceSession,
        Tensor: ort.Tensor,
        sessionOptions: /** @type {InferenceSession.SessionOptions} */ (settings),
      },
      devices: ort.listSupportedBackends().map(({ name }) => name),
    };
  },
  end() {
    port.close();
  },
});

port.on("message", handle);

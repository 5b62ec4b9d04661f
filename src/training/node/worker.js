/**
 * @file The worker thread that trains: onnxruntime-node's `run` and the update of the weights block the event loop of
 * their thread.
 *
 * @import { InferenceSession } from "onnxruntime-node"
 */
import { parentPort } from "node:worker_threads";
import { serveTraining } from "../worker/serve.js";

const port = parentPort;
if (port === null) throw new Error("This module is the entry of a worker thread.");

const handle = serveTraining({
  post: (reply, transfer) => port.postMessage(reply, transfer),
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

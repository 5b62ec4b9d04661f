/**
 * @file What a worker thread on onnxruntime-node needs, whatever it serves: the engine, and replies through a port.
 *
 * @import { InferenceSession } from "onnxruntime-node"
 * @import { MessagePort, Transferable } from "node:worker_threads"
 */

/**
 * Imported when it is asked for, so that a platform without a build of it is told in a reply and not by a crash.
 *
 * @param {unknown} settings session options
 */
export async function nodeEngine(settings) {
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
}

/**
 * Releases of onnxruntime-node after 1.30 own the outputs' memory, which Node refuses to move; it is copied then.
 *
 * @param {MessagePort} port
 * @param {unknown} reply
 * @param {readonly Transferable[]} transfer
 */
export function postReply(port, reply, transfer) {
  try {
    port.postMessage(reply, transfer);
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "DataCloneError")) throw error;
    port.postMessage(reply);
  }
}

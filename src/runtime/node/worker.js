/**
 * @file The worker thread that onnxruntime-node runs in, because its `run` blocks the event loop of its thread.
 */
import { parentPort } from "node:worker_threads";
import { serve } from "../worker/serve.js";
import { nodeEngine, postReply } from "./engine.js";

const port = parentPort;
if (port === null) throw new Error("This module is the entry of a worker thread.");

const handle = serve({
  post: (reply, transfer) => postReply(port, reply, transfer),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  open: nodeEngine,
  end() {
    port.close();
  },
});

port.on("message", handle);

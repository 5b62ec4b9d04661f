/**
 * @file The worker thread that trains: onnxruntime-node's `run` and the update of the weights block the event loop of
 * their thread.
 */
import { parentPort } from "node:worker_threads";
import { nodeEngine, postReply } from "../../runtime/node/engine.js";
import { serveTraining } from "../worker/serve.js";

const port = parentPort;
if (port === null) throw new Error("This module is the entry of a worker thread.");

const handle = serveTraining({
  post: (reply, transfer) => postReply(port, reply, transfer),
  open: nodeEngine,
  end() {
    port.close();
  },
});

port.on("message", handle);

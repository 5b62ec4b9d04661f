/**
 * @file The thread that decodes and prepares images, so that neither the event loop nor the step waits for them.
 */
import { type MessagePort, parentPort } from "node:worker_threads";
import type { RgbImage } from "../../../imaging/image.js";
import { decodeImage } from "../../../imaging/node/decode.js";
import { VitreousError } from "../../../onnx/errors.js";
import { prepareImage } from "../prepare.js";
import type { SharedPixels, WorkerReply, WorkerTask } from "./protocol.js";

function share({ data, width, height }: RgbImage, most: number): SharedPixels | undefined {
  if (data.byteLength > most) return undefined;
  const buffer = new SharedArrayBuffer(data.byteLength);
  new Uint8Array(buffer).set(data);
  return { buffer, width, height };
}

async function answer(task: WorkerTask): Promise<WorkerReply> {
  const { id, path, preparation, decoded } = task;
  try {
    const image: RgbImage = decoded
      ? { data: new Uint8Array(decoded.buffer), width: decoded.width, height: decoded.height }
      : await decodeImage(path);
    const pixels = prepareImage(image, preparation, task.out);
    const shared = decoded ? undefined : share(image, task.keep);
    return { id, pixels, ...(shared ? { decoded: shared } : {}) };
  } catch (error) {
    if (error instanceof VitreousError) return { id, failure: error.message };
    return { id, defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function serve(port: MessagePort): void {
  let turn: Promise<void> = Promise.resolve();
  port.on("message", (task: WorkerTask) => {
    // One at a time: two decodings at once would only take more memory.
    turn = turn.then(async () => {
      const reply = await answer(task);
      port.postMessage(reply, "pixels" in reply ? [reply.pixels.buffer as ArrayBuffer] : []);
    });
  });
}

if (!parentPort) throw new Error("This module is the entry of a worker thread.");
serve(parentPort);

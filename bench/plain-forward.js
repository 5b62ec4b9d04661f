/**
 * @file What explanations are measured against: the model file as it is, run by ONNX Runtime with all of its own
 * optimisation through the same worker.
 */
import { statSync } from "node:fs";
import { openCheckpoint } from "../dist/models/node/open.js";
import { readModelFile } from "../dist/onnx/node/read-file.js";
import { writeModel } from "../dist/onnx/write.js";
import { nodeRuntime } from "../dist/runtime/node/node-runtime.js";

/**
 * @param {string} path
 * @param {{ threads?: number }} options
 */
export async function plainForward(path, options) {
  const model = statSync(path).isDirectory()
    ? (await openCheckpoint(path)).model
    : (await readModelFile(path)).model;
  const runtime = await nodeRuntime(options);
  const session = await runtime.load(writeModel(model));
  const name = session.inputNames[0] ?? "";
  return {
    /** @param {readonly import("../dist/index.js").ModelImage[]} images */
    async run(images) {
      const [first] = images;
      if (first === undefined) return;
      const { channels, height, width } = first.tensor;
      const size = channels * height * width;
      const data = new Float32Array(images.length * size);
      for (const [i, image] of images.entries()) data.set(image.tensor.data, i * size);
      const dims = [images.length, channels, height, width];
      await session.run({ [name]: { dtype: "float32", dims, data } }, { transfer: true });
    },
    close: () => runtime.close(),
  };
}

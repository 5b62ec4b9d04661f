/**
 * @file The module worker that onnxruntime-web runs in, so that the page stays responsive while WebAssembly
 * computes.
 *
 * @import { WebSettings } from "./web-runtime.js"
 */
import { serve } from "../worker/serve.js";

/** Resolves after the messages that have arrived, which a timer would do too, but no sooner than in 4 ms. */
function turn() {
  return new Promise((/** @type {(value: void) => void} */ resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

const handle = serve({
  post(reply, transfer) {
    self.postMessage(reply, { transfer });
  },
  turn,
  async open(settings) {
    const { device, threads, wasmPaths } = /** @type {WebSettings} */ (settings);
    // Each is a chunk of its own: a page without WebGPU does not download it, and the threads of ONNX Runtime
    // start from the URL of their chunk, which must not be this file's.
    const ort = await (device === "webgpu"
      ? import("onnxruntime-web/webgpu")
      : import("onnxruntime-web/wasm"));
    if (threads !== undefined) ort.env.wasm.numThreads = threads;
    if (wasmPaths !== undefined) ort.env.wasm.wasmPaths = wasmPaths;
    ort.env.logLevel = "fatal";
    return {
      engine: {
        InferenceSession: ort.InferenceSession,
        Tensor: ort.Tensor,
        sessionOptions: {
          executionProviders: [device],
          executionMode: "sequential",
          graphOptimizationLevel: "all",
          logSeverityLevel: 4,
        },
      },
      devices: [],
    };
  },
  end() {
    self.close();
  },
});

self.onmessage = (/** @type {MessageEvent} */ { data }) => handle(data);

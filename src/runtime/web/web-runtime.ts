/**
 * @file onnxruntime-web behind the `Runtime` interface, in a module worker of the page. `onnxruntime-web` is an
 * optional peer dependency: whoever builds a page installs it.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Runtime } from "../runtime.js";
import type { Reply } from "../worker/protocol.js";
import { remoteRuntime, type Wire } from "../worker/remote.js";

export interface WebRuntimeOptions {
  /** Where to run; "wasm" by default. Check "webgpu" with `loadChecked` before trusting it. */
  readonly device?: "wasm" | "webgpu";
  /**
   * Threads of WebAssembly; by default half of the cores and at most 4, or 1 where the page is not cross-origin
   * isolated (served with the headers COOP `same-origin` and COEP `require-corp`).
   */
  readonly threads?: number;
  /**
   * Where onnxruntime-web's `.wasm` (and `.mjs`) file lies: a folder's URL ending in a slash, or one URL for each.
   * Bundlers that understand `new URL(…, import.meta.url)`, such as Vite, need none.
   */
  readonly wasmPaths?: string | { readonly wasm?: string; readonly mjs?: string };
}

/** What the worker is told. */
export interface WebSettings {
  readonly device: "wasm" | "webgpu";
  readonly threads: number | undefined;
  readonly wasmPaths: WebRuntimeOptions["wasmPaths"];
}

function wireOf(worker: Worker): Wire {
  return {
    post: (request, transfer) => worker.postMessage(request, [...transfer]),
    busy: () => undefined,
    onReply: (listener) =>
      worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => listener(data)),
    onEnd(listener) {
      worker.addEventListener("error", (event) => {
        listener(
          `The worker that runs ONNX Runtime could not start or crashed: ${event.message || "no reason given"}.`,
        );
      });
    },
    async end() {
      worker.terminate();
    },
  };
}

/**
 * Starts a worker with onnxruntime-web.
 *
 * Throws `VitreousError` when the browser lacks WebGPU and it was asked for, or when the worker does not start.
 */
export async function webRuntime(options: WebRuntimeOptions = {}): Promise<Runtime> {
  const { device = "wasm", threads, wasmPaths } = options;
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1)) {
    throw new VitreousError(`The number of threads must be a whole number above 0, not ${threads}.`);
  }
  if (device === "webgpu" && !("gpu" in navigator)) {
    throw new VitreousError(
      "This browser has no WebGPU, or the page is not served over HTTPS; use the device 'wasm'.",
    );
  }
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const settings: WebSettings = { device, threads, wasmPaths };
  return await remoteRuntime(wireOf(worker), device, settings);
}

/**
 * @file What batches ask of whoever prepares images: one image at a time, done elsewhere. Worker threads in Node
 * (node/pool.ts); anything else that keeps the contract serves too.
 */
import type { Preparation } from "./prepare.js";

export interface ImageTask {
  readonly path: string;
  readonly preparation: Preparation;
}

/** float32 [channels, height, width], or why there is none, in one sentence that names the file. */
export type Prepared = { readonly pixels: Float32Array } | { readonly failure: string };

export interface ImagePool {
  /**
   * Prepares an image. Trouble with the file is a result; what is thrown has another cause.
   *
   * @throws VitreousError when a worker ended; the signal's reason when it was aborted.
   */
  prepare(task: ImageTask, signal?: AbortSignal): Promise<Prepared>;
  /** Takes an array of `prepare` back, to be written again. */
  recycle(pixels: Float32Array): void;
  /** Ends the workers; what is still asked for is rejected. */
  close(): Promise<void>;
}

/**
 * @file What it means to run a graph: one interface, with an adapter for onnxruntime-node (in a worker) and one
 * for onnxruntime-web. Nothing above this room knows which one it has.
 */

export type ArrayData = Float32Array | Int32Array | BigInt64Array | Uint8Array | Float64Array;

/** An array with its dimensions, row-major. `bool` is carried as Uint8Array. */
export interface NdArray {
  readonly dtype: "float32" | "int32" | "int64" | "uint8" | "bool" | "float64";
  readonly dims: readonly number[];
  readonly data: ArrayData;
}

export type Feeds = Readonly<Record<string, NdArray>>;
export type Fetches = Readonly<Record<string, NdArray>>;

export interface RunOptions {
  /** Names of the outputs to compute; all by default. An output not named is neither computed nor copied. */
  readonly outputs?: readonly string[];
  /**
   * Rejects with `signal.reason` at once. A run that has not started is dropped. ONNX Runtime's bindings offer no
   * way to stop one that has: it ends unheard, and the next run starts after it.
   */
  readonly signal?: AbortSignal;
  /**
   * Gives the feeds' buffers away instead of copying them: their arrays are empty (detached) afterwards. Arrays
   * that are only a part of their buffer are copied all the same. By default the feeds stay the caller's, who may
   * overwrite them as soon as `run` has returned its promise.
   */
  readonly transfer?: boolean;
  /**
   * With `transfer`: is called with the same feeds, to be filled again, before the promise resolves. Not called
   * when the run fails or is aborted. It keeps the memory of a long loop flat.
   */
  readonly giveBack?: (feeds: Feeds) => void;
}

/** A loaded graph. Runs are queued: one at a time a runtime, since ONNX Runtime uses all threads for each. */
export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Throws `VitreousError` for feeds that the graph does not take, and for whatever ONNX Runtime refuses. */
  run(feeds: Feeds, options?: RunOptions): Promise<Fetches>;
  /** Frees the native memory once the runs asked for so far are done; later runs reject. Idempotent. */
  release(): Promise<void>;
}

export interface LoadOptions {
  readonly signal?: AbortSignal;
  /** What to call the model in error messages, such as its file's name. */
  readonly name?: string;
}

export interface Runtime {
  /** Where it runs: "cpu", "cuda", "wasm", "webgpu", … */
  readonly device: string;
  /** Loads a serialised ONNX model, given in pieces that are joined once (and then not kept by the caller). */
  load(model: readonly Uint8Array[], options?: LoadOptions): Promise<Session>;
  /** Releases every session and ends the worker, after the runs asked for so far. Idempotent. */
  close(): Promise<void>;
}

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
  /** Names of the outputs to compute; all by default. */
  readonly outputs?: readonly string[];
  readonly signal?: AbortSignal;
}

/** A loaded graph. Runs are queued: one at a time a session, since ONNX Runtime uses all threads for each. */
export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Feeds, options?: RunOptions): Promise<Fetches>;
  /** Frees the native memory; later runs reject. Idempotent. */
  release(): Promise<void>;
}

export interface Runtime {
  /** Where it runs: "cpu", "cuda", "wasm", "webgpu", … */
  readonly device: string;
  /** Loads a serialised ONNX model, given in pieces that are joined once (and then not kept by the caller). */
  load(model: readonly Uint8Array[], options?: { readonly signal?: AbortSignal }): Promise<Session>;
  /** Releases every session and ends the worker. */
  close(): Promise<void>;
}

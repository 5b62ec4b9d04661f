/**
 * @file What the pool and its workers say to each other.
 */
import type { Preparation } from "../prepare.js";

/** Decoded pixels in memory that all threads see. */
export interface SharedPixels {
  readonly buffer: SharedArrayBuffer;
  readonly width: number;
  readonly height: number;
}

export interface WorkerTask {
  readonly id: number;
  readonly path: string;
  readonly preparation: Preparation;
  /** Already decoded; else the file is read. */
  readonly decoded?: SharedPixels;
  /** Send the decoded pixels back, if they take at most this many bytes. */
  readonly keep: number;
  /** To write the result to. */
  readonly out?: Float32Array;
}

export type WorkerReply =
  | { readonly id: number; readonly pixels: Float32Array; readonly decoded?: SharedPixels }
  /** The file's fault. */
  | { readonly id: number; readonly failure: string }
  /** Ours. */
  | { readonly id: number; readonly defect: string };

/** @file An image as a model takes it, with what is needed to report on it. */
import type { ImageTensor } from "../metrics/metric.js";

/** A raster for showing: uint8 RGB, [height, width, 3]. */
export interface DisplayImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface ModelImage {
  /** For messages and files: the path, or "<path>[i]" for item i of a batch. */
  readonly name: string;
  /** float32 [channels, height, width], normalised as the model wants it. */
  readonly tensor: ImageTensor;
  /** What the model sees, for overlays; absent for tensors given as they are. */
  readonly display?: DisplayImage;
  readonly sha256?: string;
  /** Index of the true class, where known. */
  readonly label?: number;
}

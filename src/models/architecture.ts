/**
 * @file What a file that builds an architecture offers.
 */
import type { CheckpointConfig } from "./config.js";
import type { Site } from "./layers.js";

export interface Plan {
  /** Of the pictures: channels, height, width. */
  readonly input: readonly [number, number, number];
  readonly classes: number;
  /** Writes the graph from the value "pixel_values" [n, c, h, w]; gives the name of the logits [n, classes]. */
  readonly write: (site: Site, pixels: string) => string;
}

export interface Architecture {
  /** What messages call it, with the names it accepts. */
  readonly name: string;
  readonly accepts: (config: CheckpointConfig) => boolean;
  /** Throws VitreousError for options it does not know. */
  readonly plan: (config: CheckpointConfig) => Plan;
}

/**
 * @file What a file that builds an architecture offers. One architecture of one library is one value of this type,
 * listed in architectures.ts.
 */
import type { Spec } from "../spec.js";
import type { Description } from "./description.js";
import type { Site } from "./layers.js";
import type { TensorShapes } from "./stored-tensor.js";
import type { Swin } from "./swin.js";
import type { Vit } from "./vit.js";

/** [height, width] in pixels. */
export type Size = readonly [number, number];

export type Features = "pooled" | "token-and-mean";

export interface PlanOptions {
  /** The image size that the user asked for. */
  readonly image?: Size | undefined;
  /** The image size that the processor's settings beside the checkpoint deliver. */
  readonly prepared?: Size | undefined;
  /**
   * What the graph gives instead of logits, for a classifier of the user's: the vector that the library classifies or
   * pools to, [n, dim], or the class token beside the mean of the patches, [n, 2·dim]. The checkpoint's own classifier is
   * left out. An architecture that cannot do this throws, or gives logits all the same.
   */
  readonly features?: Features | undefined;
}

/** A network as it is written, whichever library it comes from, with the checkpoint's names for its parts. */
export type Network =
  | {
      readonly kind: "vit";
      readonly vit: Vit;
      /** The name under which the checkpoint has a tensor of `vit`. */
      readonly stored: (name: string) => string;
    }
  | { readonly kind: "swin"; readonly swin: Swin };

export interface Plan {
  /** Of the pictures: channels, height, width. */
  readonly input: readonly [number, number, number];
  /** 0 where there is no classifier: the graph then gives features. */
  readonly classes: number;
  /**
   * Writes the graph from the value "pixel_values" [n, c, h, w] and gives the name of the logits [n, classes], or of
   * the features [n, dim]. Called twice; it must do the same both times.
   */
  readonly write: (site: Site, pixels: string) => string;
  /** What `write` writes, where it can be told in these terms alone: for translations into another library's names. */
  readonly network?: Network;
  /** How pictures are prepared where the description says so, as `readPreprocessing` (imaging) takes it. */
  readonly preprocessing?: unknown;
  /** What a person should know about how this checkpoint was read; a sentence each. */
  readonly notes?: readonly string[];
}

/** A value that a bare state dict did not state, and where it was taken from. */
export interface Inferred {
  /** In the library's own words: "embed_dim", "num_heads", "img_size". */
  readonly name: string;
  readonly value: string;
  /** "the shape of pos_embed", "vit_tiny_patch16_224". */
  readonly from: string;
}

export interface Recognised {
  readonly description: Description;
  readonly inferred: readonly Inferred[];
}

export interface Architecture {
  /** What messages call it, with the names it accepts. */
  readonly name: string;
  readonly accepts: (description: Description) => boolean;
  /** Throws VitreousError for options that it does not know. */
  readonly plan: (description: Description, tensors: TensorShapes, options: PlanOptions) => Plan;
  /**
   * For tensors without a config.json: the description they imply, or undefined where they are not of this
   * architecture. `arch` is the user's --arch ("vit_tiny_patch16_224", "vit_b_16:num_heads=6"), which settles
   * what shapes cannot; its parameters are in the library's own words. Throws VitreousError where the tensors are of
   * this architecture but something cannot be settled, saying what --arch to give.
   */
  readonly recognise?: (tensors: TensorShapes, arch: Spec | undefined) => Recognised | undefined;
}

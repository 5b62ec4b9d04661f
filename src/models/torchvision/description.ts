/** @file torchvision keeps no configuration: the function that makes the model, and its arguments, are the description. */

export interface TorchvisionDescription {
  readonly library: "torchvision";
  /** "vit_b_16", "swin_v2_t". */
  readonly architecture: string;
  /** Arguments of the model class that differ from the function's, in its words (image_size, num_heads, …). */
  readonly args: Readonly<Record<string, unknown>>;
}

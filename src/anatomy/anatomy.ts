/**
 * @file What a vision transformer's graph is found to be. A plain record: methods read it to know which tensors to
 * tap and how their axes are to be read, the command line prints it, tests compare it.
 */

export type HeadKind =
  /** Reads the class token (also when it reads more beside it, as DINOv2's class token + mean of patches). */
  | "token"
  /** The mean of patch tokens. */
  | "mean"
  /** Two heads on the class and the distillation token, averaged. */
  | "distilled"
  /** Attention pooling: a learned query, or the class token alone, attends to the patches behind the last block. */
  | "attention"
  | "unknown";

/** How a tensor [.., tokens, channels] lays its tokens out. "tokens": [N, L, C]; "sequence-first": [L, N, C]; "grid": [N, H, W, C]; "channels-first": [N, C, H, W]. */
export type TokenLayout = "tokens" | "sequence-first" | "grid" | "channels-first";

/** A tensor Grad-CAM can be taken at. */
export interface Layer {
  /** Canonical, whatever the exporter: "blocks.11.norm1", "layers.3.blocks.1.norm2", "norm". */
  readonly name: string;
  /** The graph's own name of the value. */
  readonly tensor: string;
  readonly layout: TokenLayout;
  /** Rows in front of the patches; rows behind them, if any, follow from the tensor's size. */
  readonly prefixTokens: number;
  readonly grid: readonly [number, number];
  /** Other names it answers to: the name of its node, the exporter's module path. */
  readonly aliases?: readonly string[];
  /** Set where its gradient to patch tokens is exactly zero (behind the last attention of a token head). */
  readonly unusable?: string;
}

export interface WindowInfo {
  readonly window: readonly [number, number];
  readonly shift: readonly [number, number];
  /** Grid of tokens before padding. */
  readonly grid: readonly [number, number];
  /** Grid after padding to a multiple of the window. */
  readonly padded: readonly [number, number];
  /**
   * [windows × tokens-in-window] → index of the token on `grid` (row-major), −1 for padding. Read off the graph
   * by tracing its data movement, so window order, rolls and padding are whatever the model really does.
   */
  readonly slots: Int32Array;
}

export interface Block {
  /** "blocks.0" (ViT) or "layers.1.blocks.0" (Swin). */
  readonly name: string;
  /** Value name of the softmax output, rows = queries. */
  readonly attention: string;
  /**
   * "BHNN": [N, heads, n, n]; "(BH)NN": [N·heads, n, n]; "(BW)HNN": [N·windows, heads, n, n] (also N·windows = N).
   * With windows, "(BH)NN" is [N·windows·heads, n, n] and "BWHNN" [N, windows, heads, n, n]: in every layout the
   * image changes slowest and the head fastest, so a Reshape to [N·windows, heads, n, n] fits all.
   */
  readonly attentionLayout: "BHNN" | "(BH)NN" | "(BW)HNN" | "BWHNN";
  readonly heads: number;
  /** Tokens in one attention matrix (of one window, for Swin). */
  readonly tokens: number;
  readonly windows?: WindowInfo;
  /** After this block: where each token of the next grid comes from. [next tokens × children] indices on this grid, −1 padding. */
  readonly merge?: {
    readonly grid: readonly [number, number];
    readonly children: Int32Array;
    readonly count: number;
  };
}

export interface Anatomy {
  readonly family: "vit" | "swin" | "unknown";
  readonly input: {
    readonly name: string;
    readonly layout: "NCHW" | "NHWC";
    readonly channels: number;
    /** "float32", or "uint8" where preprocessing is inside the graph. */
    readonly dtype: string;
    /** "inside" where the graph itself rescales or normalises. */
    readonly preprocessing: "outside" | "inside";
    /** With preprocessing inside: the image is fed from 0 to this, 255 or 1. */
    readonly range?: number;
  };
  readonly output: {
    readonly name: string;
    /** "features" where the model has no classifier. */
    readonly kind: "logits" | "probabilities" | "features";
    /** 0 for features. */
    readonly classes: number;
    /** Length of the feature vector, where the output is one. */
    readonly features?: number;
    /** Value name of the raw logits: the output itself, or what its final Softmax reads; for features, the output. */
    readonly logits: string;
  };
  readonly image: readonly [number, number];
  readonly grid: readonly [number, number];
  /** Class token, distillation token, registers: rows of the sequence in front of the patches. */
  readonly prefixTokens: number;
  /** The same behind the patches; 0 in nearly all models. A block has prefix + patches + suffix tokens. */
  readonly suffixTokens: number;
  readonly head: HeadKind;
  /** Rows of the sequence, patches left out, that the head reads: [0] for a class token in front; [] for a mean. */
  readonly headTokens: readonly number[];
  readonly blocks: readonly Block[];
  readonly layers: readonly Layer[];
  /** What is worth knowing though all is clear: which of several outputs was taken, what else the head reads. */
  readonly notes: readonly string[];
  /** What was not understood, in sentences: what was found, what was missed, what the user can do. Empty when all is clear. */
  readonly why: readonly string[];
}

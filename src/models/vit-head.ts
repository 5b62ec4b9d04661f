/** @file What comes after the blocks of a vision transformer: tokens become one vector, which is classified or given. */
import { VitreousError } from "../onnx/errors.js";
import type { Features } from "./architecture.js";
import { type AttentionPool, attentionPool } from "./attention-pool.js";
import { classifier, FEATURES, int, LOGITS, layer, layerNorm, linear, type Site } from "./layers.js";

/** How tokens [n, tokens, dim] become one vector. `from` and `to`: the tokens taken, all to the end by default. */
export type Pooling =
  | { readonly kind: "token" }
  | { readonly kind: "attention"; readonly from: number; readonly pool: AttentionPool }
  | { readonly kind: "mean" | "max" | "mean-max"; readonly from: number; readonly to?: number }
  /** The first token and the mean of those from `from` on, side by side: [n, 2·dim]. */
  | { readonly kind: "token-and-mean"; readonly from: number };

export interface VitHead {
  readonly pooling: Pooling;
  /** What the pooling's nodes are called after. */
  readonly scope: string;
  /** A norm between pooling and classifier. */
  readonly fcNorm?: string | undefined;
  /** A linear layer to `width` features and a tanh in front of the classifier: the ViT paper's, for pretraining. */
  readonly preLogits?: { readonly linear: string; readonly act: string; readonly width: number } | undefined;
  /**
   * The classifier's module; none: the graph gives features. Of two (distillation), the first reads the first token,
   * the second the second, and the logits are their mean.
   */
  readonly classifiers: readonly [] | readonly [string] | readonly [string, string];
  readonly classes: number;
  /** Modules of the checkpoint's own classifier, where a user's takes its place. */
  readonly unused?: readonly string[] | undefined;
}

export interface HeadShape {
  readonly dim: number;
  readonly epsilon: number;
  readonly tokens: number;
}

/**
 * The head that gives features for a user's own classifier: what the model's classifier reads, or the class token beside
 * the mean of the patches.
 *
 * @param prefix the tokens in front of the patches, the class token first
 */
export function withFeatures(
  head: VitHead,
  features: Features | undefined,
  prefix: readonly { readonly name: string; readonly count: number }[],
): VitHead {
  if (features === undefined) return head;
  const { preLogits, classifiers, ...rest } = head;
  const unused = [...classifiers, ...(preLogits === undefined ? [] : [preLogits.linear])];
  const bare = { ...rest, classifiers: [], classes: 0, unused } as const;
  if (features === "pooled") return bare;
  if (head.fcNorm !== undefined || !/cls_token|class_token/.test(prefix[0]?.name ?? "")) {
    throw new VitreousError(
      "the head takes the class token beside the mean of the patches, but this model has no class token behind its final norm",
    );
  }
  const from = prefix.reduce((sum, { count }) => sum + count, 0);
  return { ...bare, pooling: { kind: "token-and-mean", from } };
}

const token = (site: Site, scope: string, x: string, index: number): string =>
  layer(site, scope, "Gather", [x, site.graph.int(index)], { axis: int(1) });

/** [n, tokens, dim] → [n, dim or 2·dim] */
function pooled(site: Site, scope: string, pooling: Pooling, x: string, shape: HeadShape): string {
  const { graph } = site;
  const { tokens } = shape;
  if (pooling.kind === "token") return token(site, scope, x, 0);
  const to = ("to" in pooling ? pooling.to : undefined) ?? tokens;
  const range = [graph.ints([pooling.from]), graph.ints([to]), graph.ints([1])];
  const all = pooling.from === 0 && to === tokens;
  const taken = all ? x : layer(site, scope, "Slice", [x, ...range]);
  const reduced = (op: "ReduceMean" | "ReduceMax"): string =>
    layer(site, scope, op, [taken, graph.ints([1])], { keepdims: int(0) });
  switch (pooling.kind) {
    case "attention":
      return attentionPool(site, pooling.pool, taken, { ...shape, tokens: to - pooling.from });
    case "mean":
      return reduced("ReduceMean");
    case "max":
      return reduced("ReduceMax");
    case "mean-max": {
      const sum = layer(site, scope, "Add", [reduced("ReduceMax"), reduced("ReduceMean")]);
      return layer(site, scope, "Mul", [sum, graph.float(0.5)]);
    }
    case "token-and-mean":
      return layer(site, scope, "Concat", [token(site, scope, x, 0), reduced("ReduceMean")], {
        axis: int(1),
      });
  }
}

/** Tokens [n, tokens, dim] → the graph's output: logits [n, classes], or features. */
export function writeHead(site: Site, head: VitHead, x: string, shape: HeadShape): string {
  const { scope, pooling, fcNorm, preLogits, classifiers, classes, unused = [] } = head;
  site.weights.leave((name) =>
    unused.some((module) => name === `${module}.weight` || name === `${module}.bias`),
  );
  const { dim, epsilon } = shape;
  const width = pooling.kind === "token-and-mean" ? 2 * dim : dim;
  const [first, second] = classifiers;
  if (first !== undefined && second !== undefined) {
    const half = [first, second].map((module, i) =>
      classifier(site, module, token(site, scope, x, i), dim, classes, false),
    );
    const sum = layer(site, scope, "Add", half);
    return site.graph.add("Mul", [sum, site.graph.float(0.5)], {}, { scope, outputs: [LOGITS] });
  }
  const vector = pooled(site, scope, pooling, x, shape);
  const normed = fcNorm === undefined ? vector : layerNorm(site, fcNorm, vector, width, epsilon);
  if (first !== undefined && preLogits !== undefined) {
    const represented = linear(site, preLogits.linear, normed, width, preLogits.width);
    const active = layer(site, preLogits.act, "Tanh", [represented]);
    return classifier(site, first, active, preLogits.width, classes);
  }
  if (first !== undefined) return classifier(site, first, normed, width, classes);
  return site.graph.add("Identity", [normed], {}, { scope, outputs: [FEATURES] });
}

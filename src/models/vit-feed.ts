/** @file The second half of a transformer's block: a plain MLP, or one with a gate (SwiGLU, Shazeer 2020). */
import {
  type Activation,
  activation,
  int,
  joinedLinear,
  layer,
  layerNorm,
  linear,
  type Site,
} from "./layers.js";

/** Module paths of a feed-forward part, and its kind. */
export interface Feed {
  /**
   * One module [hidden, dim]; a gated one's [2·hidden, dim], gate first; or the gate's and the value's apart. With a
   * gate, act(gate) ⊙ value goes on.
   */
  readonly fc1: string | { readonly packed: string } | { readonly gate: string; readonly value: string };
  /** Of the activation and the product with it. */
  readonly act: string;
  readonly activation: Activation;
  /** A norm over the hidden features, in front of the second linear layer. */
  readonly norm?: string | undefined;
  readonly fc2: string;
}

export interface FeedShape {
  readonly dim: number;
  /** What the second linear layer takes. */
  readonly hidden: number;
  readonly epsilon: number;
}

/** [..., dim] → [..., hidden] */
function expanded(site: Site, { fc1, act, activation: kind }: Feed, x: string, shape: FeedShape): string {
  const { dim, hidden } = shape;
  if (typeof fc1 === "string") return activation(site, act, linear(site, fc1, x, dim, hidden), kind);
  const both =
    "packed" in fc1
      ? linear(site, fc1.packed, x, dim, 2 * hidden)
      : joinedLinear(site, act, [fc1.gate, fc1.value], x, dim, hidden);
  const [gate = "", value = ""] = site.graph.addMany(
    "Split",
    [both, site.graph.ints([hidden, hidden])],
    2,
    { axis: int(-1) },
    { scope: act, hint: `${act}.Split` },
  );
  return layer(site, act, "Mul", [activation(site, act, gate, kind), value]);
}

/** The feed-forward part on [..., dim], without its norm in front and its residual. */
export function feedForward(site: Site, feed: Feed, x: string, shape: FeedShape): string {
  const { dim, hidden, epsilon } = shape;
  const active = expanded(site, feed, x, shape);
  const inner = feed.norm === undefined ? active : layerNorm(site, feed.norm, active, hidden, epsilon);
  return linear(site, feed.fc2, inner, hidden, dim);
}

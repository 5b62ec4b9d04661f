/**
 * @file The gated MLP (SwiGLU, Shazeer 2020): activation(gate(x)) ⊙ up(x), projected. Gate and up are one product, whether
 * the checkpoint keeps them together (timm's GluMlp, DINOv2) or apart (timm's SwiGLU, DINOv3, EVA-02).
 */
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

/** Module paths of a gated MLP. */
export interface GatedMlpNames {
  /** Of the operation itself; what its nodes are called after. */
  readonly scope: string;
  /** One module [2·hidden, dim] with the gate's rows first, or those of gate and up. */
  readonly gateUp: string | readonly [gate: string, up: string];
  /** Of the norm over the gated features, where the checkpoint has it. */
  readonly norm?: string;
  readonly down: string;
}

/** down(norm(act(gate(x)) ⊙ up(x))) on [n, tokens, dim]. */
export function gatedMlp(
  site: Site,
  names: GatedMlpNames,
  x: string,
  options: {
    readonly dim: number;
    readonly hidden: number;
    readonly act?: Activation;
    /** Of the norm. */
    readonly epsilon?: number;
  },
): string {
  const { dim, hidden, act = "silu", epsilon = 1e-6 } = options;
  const { scope, gateUp, norm, down } = names;
  const both =
    typeof gateUp === "string"
      ? linear(site, gateUp, x, dim, 2 * hidden)
      : joinedLinear(site, scope, gateUp, x, dim, hidden);
  const [gate = "", up = ""] = site.graph.addMany(
    "Split",
    [both, site.graph.ints([hidden, hidden])],
    2,
    { axis: int(2) },
    { scope, hint: `${scope}.Split` },
  );
  const gated = layer(site, scope, "Mul", [activation(site, `${scope}.act`, gate, act), up]);
  const hasNorm = norm !== undefined && site.weights.has(`${norm}.weight`);
  const scaled = hasNorm ? layerNorm(site, norm, gated, hidden, epsilon) : gated;
  return linear(site, down, scaled, hidden, dim);
}

/**
 * @file Gradient Attention Rollout: attention weighted by its gradient, rolled out over the layers. The method of
 * vit-explain, by its correct definition; `compat=vit-explain` reproduces that implementation's two defects
 * (gradients paired with attentions in opposite order; columns divided instead of rows) so that published numbers
 * can be re-made and the effect measured.
 */
import { z } from "zod";
import type { Anatomy, Block } from "../anatomy/anatomy.js";
import { VitreousError } from "../onnx/errors.js";
import { checkOptions } from "../spec.js";
import { abs, type Expr, gradient, mul, reduce, relu, value } from "./expression.js";
import { patchTokens } from "./grad-cam.js";
import type { Method } from "./method.js";
import {
  fuseHeads,
  mergeTapName,
  type RolloutOptions,
  readoutOf,
  rolloutMaps,
  rolloutShape,
  rolloutUnsupported,
  tapName,
} from "./rollout-engine.js";

export interface GradientRolloutOptions extends RolloutOptions {
  /** relu after (default) or before the heads are fused. */
  readonly relu?: "after" | "before";
  /** "none" (default): the correct definition; "vit-explain": as the widely copied implementation computes it. */
  readonly compat?: "none" | "vit-explain";
}

export const gradientRolloutSchema = z.strictObject({
  ...rolloutShape,
  relu: z.enum(["after", "before"], { error: "must be after or before" }).default("after"),
  compat: z.enum(["none", "vit-explain"], { error: "must be none or vit-explain" }).default("none"),
});

/**
 * F = relu(mean_h(A⊙∂z_c/∂A)), the smallest entries discarded (0.9 of them for ViT, none for Swin by default),
 * rows of F + I divided by their sums, multiplied up; the rows that the head reads.
 */
export function gradientRollout(options: GradientRolloutOptions = {}): Method {
  const o = checkOptions("gradient-rollout", gradientRolloutSchema, options);
  const defective = o.compat === "vit-explain";
  const discardFor = (anatomy: Anatomy): number =>
    o.discard === "auto" ? (anatomy.family === "swin" ? 0 : 0.9) : o.discard;
  return {
    name: "gradient-rollout",
    parameters: o,
    citation: "Gradient Attention Rollout (vit-explain, Gildenblat 2020), after Abnar & Zuidema, ACL 2020",
    scaling: "max",
    unsupported(anatomy) {
      const reason = rolloutUnsupported("gradient-rollout", anatomy);
      if (reason !== undefined || !defective || anatomy.family === "vit") return reason;
      return "gradient-rollout:compat=vit-explain is defined for ViT only: that implementation knows no windows";
    },
    resolve: (anatomy) => ({ ...o, discard: discardFor(anatomy), readout: readoutOf(o.readout, anatomy) }),
    taps(anatomy) {
      const blocks = anatomy.blocks;
      const taps: Record<string, Expr> = {};
      blocks.forEach((block, index) => {
        const partner = defective ? blocks[blocks.length - 1 - index] : block;
        if (partner !== undefined && index >= o.start) taps[tapName(block)] = fusedProduct(block, partner, o);
        if (o.merge === "relevance" && block.merge !== undefined)
          taps[mergeTapName(block)] = relevance(block, anatomy);
      });
      return taps;
    },
    maps: (taps, anatomy, count) =>
      rolloutMaps(taps, anatomy, count, {
        ...o,
        discard: discardFor(anatomy),
        readout: readoutOf(o.readout, anatomy),
        rule: { residual: o.residual, columnDefect: defective },
      }),
  };
}

function fusedProduct(block: Block, partner: Block, o: z.output<typeof gradientRolloutSchema>): Expr {
  const product = mul(value(block.attention), gradient(partner.attention));
  return o.relu === "before"
    ? fuseHeads(relu(product), block, o.fusion)
    : relu(fuseHeads(product, block, o.fusion));
}

/** |Σ_d gradient·activation| of each token at the block's output: the slice of the merging's input that it becomes. */
function relevance(block: Block, anatomy: Anatomy): Expr {
  const layer = anatomy.layers.find((l) => l.name === block.name);
  if (layer === undefined) {
    throw new VitreousError(
      `gradient-rollout:merge=relevance needs the output of ${block.name}, which was not recognised`,
    );
  }
  const product = mul(value(layer.tensor), gradient(layer.tensor));
  return abs(reduce("sum", patchTokens(product, layer), [2]));
}

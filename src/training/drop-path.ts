/**
 * @file Stochastic depth (Huang et al. 2016; timm's "drop path"): what a residual branch adds is multiplied, image by
 * image, by a mask that the caller draws.
 */
import type { Model } from "../onnx/graph.js";
import { findResiduals, multiplyBranches } from "./residuals.js";

export interface DropPathModel {
  readonly model: Model;
  /** For each row of the masks the probability that its branch is kept. */
  readonly keep: readonly number[];
}

/**
 * The model (types inferred) with an input `masks` [branches, batch], by whose rows the branches are multiplied.
 *
 * @param rate probability that the last block's branches are dropped; it rises linearly from 0 at the first block
 */
export function withDropPath(model: Model, masks: string, batch: number, rate: number): DropPathModel {
  const residuals = findResiduals(model.graph);
  // Attention and MLP of a block share its rate.
  const last = Math.max(1, Math.ceil(residuals.length / 2) - 1);
  const keep = residuals.map((_, i) => 1 - (rate * Math.floor(i / 2)) / last);
  const input = { name: masks, dtype: "float32", shape: [residuals.length, batch] } as const;
  const dropped = multiplyBranches(model, residuals, [input], {
    branch(builder, branch, row) {
      const rank = builder.shapeOf(branch)?.length ?? 0;
      return builder.add("Reshape", [
        builder.add("Gather", [masks, builder.int(row)]),
        builder.ints([batch, ...Array.from({ length: rank - 1 }, () => 1)]),
      ]);
    },
  });
  return { model: dropped, keep };
}

/**
 * @file Attention Rollout: attention multiplied up over the layers, without gradients and so the same for every
 * class. Abnar & Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020.
 */
import { z } from "zod";
import { checkOptions } from "../spec.js";
import { type Expr, value } from "./expression.js";
import type { Method } from "./method.js";
import {
  fuseHeads,
  type RolloutOptions,
  readoutOf,
  rolloutMaps,
  rolloutShape,
  rolloutUnsupported,
  tapName,
} from "./rollout-engine.js";

const { merge: _gradientsOnly, ...plainShape } = rolloutShape;
export const rolloutSchema = z.strictObject(plainShape);

/** Â = (mean_h A + I)/2 with rows normalised; Â_L···Â_1; the rows that the head reads. */
export function rollout(options: Omit<RolloutOptions, "merge"> = {}): Method {
  const o = checkOptions("rollout", rolloutSchema, options);
  const discard = o.discard === "auto" ? 0 : o.discard;
  return {
    name: "rollout",
    parameters: o,
    citation: "Abnar & Zuidema, Quantifying Attention Flow in Transformers, ACL 2020 (arXiv 2005.00928)",
    scaling: "max",
    unsupported: (anatomy) => rolloutUnsupported("rollout", anatomy),
    resolve: (anatomy) => ({ ...o, discard, readout: readoutOf(o.readout, anatomy) }),
    taps: (anatomy) =>
      Object.fromEntries(
        anatomy.blocks
          .slice(o.start)
          .map((block): [string, Expr] => [
            tapName(block),
            fuseHeads(value(block.attention), block, o.fusion),
          ]),
      ),
    maps: (taps, anatomy, count) =>
      rolloutMaps(taps, anatomy, count, {
        ...o,
        discard,
        readout: readoutOf(o.readout, anatomy),
        rule: { residual: o.residual, columnDefect: false },
      }),
  };
}

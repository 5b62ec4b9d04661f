/**
 * @file Libraries rename their modules, and old files keep the old names. An architecture is written in one set of names;
 * this finds each tensor under the name that the checkpoint has for it, which is also the name that messages give.
 */
import type { Site } from "./layers.js";
import type { Part } from "./weights.js";

/** The same site, whose weights are looked up under the names that `stored` gives. */
export function renamed({ graph, weights }: Site, stored: (name: string) => string): Site {
  const part = ({ name, dims }: Part): Part => ({ name: stored(name), dims });
  return {
    graph,
    weights: {
      has: (name) => weights.has(stored(name)),
      dims: (name) => weights.dims(stored(name)),
      take: (name, dims) => weights.take(stored(name), dims),
      takeLinear: (names, outputs, inputs) => weights.takeLinear(names.map(stored), outputs, inputs),
      takeJoined: (names, length) =>
        weights.takeJoined(
          names.map((name) => (name === undefined ? undefined : stored(name))),
          length,
        ),
      derive: (parts, dims, compute, adjoint) => weights.derive(parts.map(part), dims, compute, adjoint),
      leave: weights.leave,
    },
  };
}

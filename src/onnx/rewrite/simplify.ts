/**
 * @file Rewrites a graph into one that computes the same outputs with less work, by rules that know operators but no
 * architectures. The passes uncover work for each other, so they run until nothing changes.
 */
import type { Graph, Model } from "../graph.js";
import { shareCommon } from "./common.js";
import { removeDead } from "./dead.js";
import { removeNoops } from "./noop.js";
import { moveReductions } from "./reductions.js";
import { computeNeededRows } from "./rows.js";

export interface SimplifyOptions {
  /** Values that stay available under their names though no output needs them. */
  readonly keep?: readonly string[];
}

type Pass = (model: Model, keep: readonly string[]) => Model;

const PASSES: readonly Pass[] = [removeDead, removeNoops, shareCommon, computeNeededRows, moveReductions];

/** Every pass only removes work, so this is not reached; it keeps a defect from becoming a hang. */
const MOST_ROUNDS = 12;

/** Constants up to this many bytes are compared by content: bounds, axes, shapes. */
const SMALL = 256;

/** What a graph computes, in a form that is equal for graphs that differ only in the names of values. */
function fingerprint({ nodes, constants }: Graph): string {
  const numbers = new Map<string, number>();
  const number = (name: string): number | string => {
    const tensor = constants.get(name);
    if (tensor !== undefined)
      return tensor.bytes.byteLength <= SMALL ? tensor.bytes.join() : tensor.dims.join("x");
    const known = numbers.get(name) ?? numbers.size;
    numbers.set(name, known);
    return known;
  };
  return JSON.stringify(
    nodes.map(({ op, domain, inputs, outputs }) => [op, domain, inputs.map(number), outputs.map(number)]),
  );
}

/**
 * The model with the same outputs, to rounding, and less to compute. Shapes should be known (see `prepare`): where
 * they are not, and at operators it does not know, it leaves the graph as it is. Weights are shared, not copied,
 * except where only some of a weight's columns are left.
 */
export function simplify(model: Model, { keep = [] }: SimplifyOptions = {}): Model {
  let current = model;
  let before = fingerprint(model.graph);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    current = PASSES.reduce((m, pass) => pass(m, keep), current);
    const after = fingerprint(current.graph);
    if (after === before) break;
    before = after;
  }
  return current;
}

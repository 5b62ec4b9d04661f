/** @file What the commands' JSON has in common. */

import type { NodeModel } from "../api/node/node-model.js";
import type { Explanation } from "../api/opened.js";

export function modelRecord(model: NodeModel) {
  const { name: path, sha256 } = model.facts;
  return { path, sha256, family: model.anatomy.family };
}

/** { index, label } of the explained class; with `minus` where a difference was explained. */
export function classRecord(target: Explanation["target"], labels: readonly string[]) {
  const named = (index: number) => ({ index, label: labels[index] ?? String(index) });
  return target.minus === undefined
    ? named(target.index)
    : { ...named(target.index), minus: named(target.minus) };
}

/** A method or map's name as part of a file's name. */
export const fileSafe = (name: string): string => name.replace(/[^A-Za-z0-9._=+@-]+/g, "_");

/**
 * @file Tokens in front of the patches and the table of positions: which rows a library keeps differs, and every variant
 * can be put into transformers' form exactly. A token without a row gets one of zeros; a register's row is added to it.
 */

import { derived } from "../../derived.js";
import { interpolatePositions } from "../../positions.js";
import type { StoredTensor } from "../../stored-tensor.js";
import { gridOf, type Positions, type PrefixTokens, prefixLength, type Vit } from "../../vit.js";
import { refuseTranslation } from "./refusal.js";

const ROLES = {
  class: /(?:cls_token|class_token)$/,
  distillation: /(?:dist_token|distillation_token)$/,
  registers: /(?:reg_token|register_tokens)$/,
};

export interface Tokens {
  readonly class: PrefixTokens;
  readonly distillation: PrefixTokens | undefined;
  readonly registers: PrefixTokens | undefined;
}

export function tokensOf(model: string, { prefix }: Vit): Tokens {
  const role = (name: keyof typeof ROLES) => prefix.find((tokens) => ROLES[name].test(tokens.name));
  const first = role("class");
  const all = { distillation: role("distillation"), registers: role("registers") };
  if (first === undefined) return refuseTranslation(model, "it has no class token");
  const known = [first, all.distillation, all.registers].filter((tokens) => tokens !== undefined);
  if (known.some((tokens, i) => tokens !== prefix[i]) || known.length !== prefix.length) {
    return refuseTranslation(
      model,
      `its tokens in front of the patches are ${prefix.map((t) => t.name).join(", ")}`,
    );
  }
  return { class: first, ...all };
}

/** Where each prefix token's row begins in the table, in rows; undefined where it has none. */
function rowOf({ prefix }: Vit, tokens: PrefixTokens): number | undefined {
  if (!tokens.positioned) return undefined;
  const before = prefix.slice(0, prefix.indexOf(tokens));
  return prefixLength(before.filter(({ positioned }) => positioned));
}

/** [1, tokens with a row in transformers + patches, dim], on the grid of the images that are asked for. */
export function positionTable(
  vit: Vit,
  { grid: stored, interpolation }: Positions,
  { class: first, distillation }: Tokens,
  table: StoredTensor,
): StoredTensor {
  const { dim, image, patch, prefix } = vit;
  const grid = gridOf(image, patch);
  const kept = distillation === undefined ? [first] : [first, distillation];
  const dims = [1, kept.length + grid[0] * grid[1], dim];
  const asItIs = kept.length === prefix.length && kept.every(({ positioned }) => positioned);
  if (asItIs && stored.join() === grid.join()) return table;
  return derived(dims, [table], ([values = new Float32Array()]) => {
    const out = new Float32Array(dims.reduce((a, b) => a * b, 1));
    kept.forEach((tokens, i) => {
      const row = rowOf(vit, tokens);
      if (row !== undefined) out.set(values.subarray(row * dim, (row + 1) * dim), i * dim);
    });
    const patches = values.subarray(values.length - stored[0] * stored[1] * dim);
    out.set(interpolatePositions(patches, stored, grid, dim, interpolation), kept.length * dim);
    return out;
  });
}

/** Registers with their rows of the table, where they have any: transformers keeps none. */
export function registerTokens(
  vit: Vit,
  registers: PrefixTokens,
  tokens: StoredTensor,
  table: StoredTensor,
): StoredTensor {
  const row = rowOf(vit, registers);
  if (row === undefined) return tokens;
  const start = row * vit.dim;
  return derived(tokens.dims, [tokens, table], ([values = new Float32Array(), rows = new Float32Array()]) =>
    values.map((value, i) => value + (rows[start + i] ?? 0)),
  );
}

/**
 * @file Whether the blocks follow one another and nothing else mixes tokens between them. Rollout multiplies the
 * attention of one block after the other: over branches side by side, or past a spatial reduction, its product
 * would stand for nothing.
 */
import type { AttentionSite } from "./attention.js";
import type { FoundBlock } from "./blocks.js";
import { ancestors, type Topology } from "./topology.js";

/** What speaks against a chain, in sentences; empty for one. `sites`: all attention that the logits depend on. */
export function breaksIn(
  topology: Topology,
  found: readonly FoundBlock[],
  sites: readonly AttentionSite[],
): string[] {
  const before = found.map(({ site }) => ancestors(topology, site.scores.outputs[0] ?? ""));
  const beside = found.filter(({ site }, i) => {
    const next = before[i + 1];
    return next !== undefined && !next.has(site.mix.outputs[0] ?? "");
  });
  const others = sites.filter(({ kind, weights, size: [queries, keys] = [0, 0] }) => {
    return kind === "pooling" && (queries > keys || before.some((names) => names.has(weights)));
  });
  const problems: string[] = [];
  if (beside.length > 0) {
    problems.push(
      `Attention works side by side (${named(beside.map((b) => b.site))}): branches, or several transformers in one model. Rollout needs one block after the other.`,
    );
  }
  if (others.length > 0) {
    problems.push(
      `Attention with another number of keys than queries stands among the blocks (${named(others)}): tokens are mixed there, too, in a way that rollout does not know.`,
    );
  }
  return problems;
}

const named = (sites: readonly AttentionSite[]): string =>
  sites.length <= 2
    ? sites.map((s) => s.weights).join(", ")
    : `${sites[0]?.weights} and ${sites.length - 1} others`;

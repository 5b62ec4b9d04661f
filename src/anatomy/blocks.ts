/**
 * @file From attention sites to blocks: the tokens of each, the stages they form, windows and mergings, and so the
 * family. A block is reported only where its rows are known token by token.
 */
import type { Anatomy, Block, WindowInfo } from "./anatomy.js";
import type { AttentionSite } from "./attention.js";
import { type Matrices, matricesOf } from "./matrices.js";
import { childrenOf, type Places, type Stage, sameStage, stageOf } from "./stage.js";
import type { Trace } from "./trace/trace.js";
import { windowGeometry } from "./windows.js";

export interface FoundBlock {
  readonly site: AttentionSite;
  readonly matrices: Matrices;
  readonly stage: Stage;
}

export interface Blocks {
  readonly family: Anatomy["family"];
  readonly blocks: readonly Block[];
  /** The same, with what they were made from. */
  readonly found: readonly FoundBlock[];
  readonly prefixTokens: number;
  readonly suffixTokens: number;
  readonly why: readonly string[];
}

/** Reads the blocks off the trace; what is not understood is said in `why`. */
export function readBlocks(sites: readonly AttentionSite[], trace: Trace, places: Places): Blocks {
  const found: FoundBlock[] = [];
  const leftOut = new Map<string, string[]>();
  for (const site of sites) {
    const block = readBlock(site, trace, places);
    if (typeof block !== "string") found.push(block);
    else leftOut.set(block, [...(leftOut.get(block) ?? []), site.weights]);
  }
  const why = [...leftOut].map(([reason, names]) => `Attention ${shortList(names)} was left out: ${reason}.`);
  const first = found[0];
  if (first === undefined) {
    return { family: "unknown", blocks: [], found, prefixTokens: 0, suffixTokens: 0, why };
  }
  const single = found.every((f) => f.matrices.windows.length === 1 && sameStage(f.stage, first.stage));
  const rows = sequenceOf(first);
  const prefix = rows.indexOf(0);
  const patches = first.stage.tokens.length;
  const inOrder = rows.every((i, row) => i === (row < prefix || row >= prefix + patches ? -1 : row - prefix));
  // One padded window for all tokens also has rows that are no tokens; only windows explain where they stand.
  if (single && (inOrder || typeof windowsOf(first) === "string")) {
    return globalBlocks(found, rows, inOrder, prefix, why);
  }
  return windowedBlocks(found, trace, why);
}

/** A block, or the end of a sentence that says why it is none. */
function readBlock(site: AttentionSite, trace: Trace, places: Places): FoundBlock | string {
  const matrices = matricesOf(site, trace, places);
  if (typeof matrices === "string") return matrices;
  const ids = matrices.windows.flatMap((w) => [...w]);
  const stage = stageOf(trace.origins, ids, places);
  return stage === undefined ? "its tokens make no grid" : { site, matrices, stage };
}

const shortList = (names: readonly string[]): string =>
  names.length <= 2 ? names.join(", ") : `${names[0]} and ${names.length - 1} others`;

/** The first window's rows as indices on the stage's grid. */
const sequenceOf = (f: FoundBlock): Int32Array =>
  Int32Array.from(f.matrices.windows[0] ?? [], (id) => f.stage.index.get(id) ?? -1);

function globalBlocks(
  found: readonly FoundBlock[],
  sequence: Int32Array,
  inOrder: boolean,
  prefix: number,
  why: string[],
): Blocks {
  const same = found.every((f) => {
    const rows = sequenceOf(f);
    return rows.length === sequence.length && rows.every((i, row) => i === sequence[row]);
  });
  if (!same) why.push("The order or number of tokens changes from block to block.");
  if (!inOrder) why.push("The patch tokens do not stand in one piece and in raster order.");
  const blocks = found.map((f, i) => ({ name: `blocks.${i}`, ...attentionOf(f) }));
  const family = same && inOrder && why.length === 0 ? ("vit" as const) : ("unknown" as const);
  const patches = found[0]?.stage.tokens.length ?? 0;
  const prefixTokens = Math.max(prefix, 0);
  const suffixTokens = inOrder ? sequence.length - patches - prefixTokens : 0;
  return { family, blocks, found, prefixTokens, suffixTokens, why };
}

const attentionOf = (f: FoundBlock): Pick<Block, "attention" | "attentionLayout" | "heads" | "tokens"> => ({
  attention: f.site.weights,
  attentionLayout: f.matrices.rank === 3 ? "(BH)NN" : f.matrices.rank === 4 ? "BHNN" : "BWHNN",
  heads: f.matrices.heads,
  tokens: f.matrices.tokens,
});

function windowedBlocks(found: readonly FoundBlock[], trace: Trace, why: string[]): Blocks {
  const blocks: Block[] = [];
  let stage = -1;
  let inStage = 0;
  found.forEach((f, i) => {
    const before = found[i - 1];
    const after = found[i + 1];
    if (before === undefined || !sameStage(before.stage, f.stage)) {
      stage++;
      inStage = 0;
    }
    const name = `layers.${stage}.blocks.${inStage++}`;
    const windows = windowsOf(f);
    if (typeof windows === "string") {
      why.push(`${name} (${f.site.weights}): ${windows}.`);
      return;
    }
    const base = attentionOf(f);
    const attentionLayout = base.attentionLayout === "BHNN" ? ("(BW)HNN" as const) : base.attentionLayout;
    if (after === undefined || sameStage(after.stage, f.stage)) {
      blocks.push({ name, ...base, attentionLayout, windows });
      return;
    }
    const merge = childrenOf(trace.origins, f.stage, after.stage);
    if (merge === undefined) why.push(`The tokens behind ${name} are not made by merging tokens before it.`);
    blocks.push({
      name,
      ...base,
      attentionLayout,
      windows,
      ...(merge === undefined ? {} : { merge: { grid: after.stage.grid, ...merge } }),
    });
  });
  return {
    family: why.length === 0 ? "swin" : "unknown",
    blocks,
    found,
    prefixTokens: 0,
    suffixTokens: 0,
    why,
  };
}

function windowsOf(f: FoundBlock): WindowInfo | string {
  const { grid } = f.stage;
  const slots = Int32Array.from(
    f.matrices.windows.flatMap((w) => [...w]),
    (id) => f.stage.index.get(id) ?? -1,
  );
  const real = slots.filter((s) => s >= 0);
  if (real.length !== grid[0] * grid[1]) {
    return "some token of the grid stands in no window, or in several";
  }
  const geometry = windowGeometry(slots, f.matrices.tokens, grid);
  return geometry === undefined
    ? "its windows are no rectangles of neighbouring tokens (window attention with other tokens beside them?)"
    : { ...geometry, grid, slots };
}

/**
 * @file The anatomy in the words of the command line: the JSON of `vitreous inspect`, and lines for people. Field
 * names of the JSON are a contract: add, never rename.
 */
import type { Anatomy, Block } from "./anatomy.js";

type Pair = readonly [number, number];

/** What the anatomy does not know: it comes from the file and from the rooms above. */
export interface InspectExtras {
  /** Images that go through at once: any number, or exactly so many. */
  readonly batch: "dynamic" | number;
  readonly differentiable: boolean;
  /** Names of the methods that work on the model. */
  readonly methods: readonly string[];
  /** Further sentences for `why`, e.g. the operator that cannot be differentiated. */
  readonly why?: readonly string[];
}

export interface InspectedBlock {
  readonly attention: string;
  readonly heads: number;
  readonly tokens: number;
  readonly window?: Pair;
  readonly shift?: Pair;
  readonly grid?: Pair;
}

export interface Inspection {
  readonly family: Anatomy["family"];
  readonly input: {
    readonly name: string;
    readonly layout: "NCHW" | "NHWC";
    /** "N" for a batch of any size. */
    readonly shape: readonly (number | "N")[];
    readonly dtype: string;
    readonly preprocessing: "outside" | "inside";
  };
  readonly output: Pick<Anatomy["output"], "name" | "kind" | "classes" | "features">;
  readonly image: Pair;
  /** Tokens that the head reads: the patch grid of a ViT, the last stage's grid of a Swin. */
  readonly grid: Pair;
  /** Patches that the image is cut into. */
  readonly patchGrid: Pair;
  readonly prefixTokens: number;
  readonly head: Anatomy["head"];
  readonly batch: "dynamic" | "fixed";
  readonly blocks: readonly InspectedBlock[];
  readonly layers: readonly string[];
  readonly differentiable: boolean;
  readonly notes?: readonly string[];
  readonly why?: readonly string[];
  readonly methods: readonly string[];
}

export function inspectAnatomy(anatomy: Anatomy, extras: InspectExtras): Inspection {
  const { input, output } = anatomy;
  const [h, w] = anatomy.image;
  const batch = extras.batch === "dynamic" ? "N" : extras.batch;
  const why = [...anatomy.why, ...(extras.why ?? [])];
  return {
    family: anatomy.family,
    input: {
      name: input.name,
      layout: input.layout,
      shape: input.layout === "NCHW" ? [batch, input.channels, h, w] : [batch, h, w, input.channels],
      dtype: input.dtype,
      preprocessing: input.preprocessing,
    },
    output: {
      name: output.name,
      kind: output.kind,
      classes: output.classes,
      ...(output.features === undefined ? {} : { features: output.features }),
    },
    image: anatomy.image,
    grid: anatomy.blocks.at(-1)?.windows?.grid ?? anatomy.grid,
    patchGrid: anatomy.grid,
    prefixTokens: anatomy.prefixTokens,
    head: anatomy.head,
    batch: extras.batch === "dynamic" ? "dynamic" : "fixed",
    blocks: anatomy.blocks.map(inspectBlock),
    layers: anatomy.layers.filter((l) => l.unusable === undefined).map((l) => l.name),
    differentiable: extras.differentiable,
    ...(anatomy.notes.length > 0 ? { notes: anatomy.notes } : {}),
    ...(why.length > 0 ? { why } : {}),
    methods: extras.methods,
  };
}

function inspectBlock({ attention, heads, tokens, windows }: Block): InspectedBlock {
  const base = { attention, heads, tokens };
  return windows === undefined
    ? base
    : { ...base, window: windows.window, shift: windows.shift, grid: windows.grid };
}

const FAMILIES: Readonly<Record<Anatomy["family"], string>> = {
  vit: "Vision transformer with global attention (ViT, DeiT, DINO, BEiT)",
  swin: "Hierarchical transformer with windowed attention (Swin)",
  unknown: "Not recognised as a vision transformer",
};

const HEADS: Readonly<Record<Anatomy["head"], string>> = {
  token: "reads the class token",
  mean: "reads the mean of the tokens",
  distilled: "averages two heads, on the class and the distillation token",
  attention: "pools the tokens by attention",
  unknown: "not recognised",
};

const times = ([a, b]: Pair): string => `${a}×${b}`;

/** The inspection as lines for a terminal. */
export function describeInspection(inspection: Inspection): string[] {
  const { input, output, blocks, patchGrid, prefixTokens } = inspection;
  const range = input.preprocessing === "inside" ? ", rescaled and normalised by the graph" : "";
  const lines = [
    FAMILIES[inspection.family],
    `  input    ${input.name} ${input.dtype} [${input.shape.join(", ")}] (${input.layout}${range})`,
    `  output   ${output.name}: ${outputInWords(output)}`,
  ];
  if (blocks.length > 0) {
    const prefix =
      prefixTokens === 0 ? "" : ` behind ${prefixTokens} prefix ${plural(prefixTokens, "token")}`;
    lines.push(`  tokens   ${times(patchGrid)} patches${prefix}`, `  head     ${HEADS[inspection.head]}`);
    lines.push(...describeBlocks(blocks).map((line, i) => `  ${i === 0 ? "blocks " : "       "}  ${line}`));
  }
  if (inspection.layers.length > 0) lines.push(`  layers   ${shortList(inspection.layers)}`);
  lines.push(
    `  batch    ${batchInWords(input.shape[0])}`,
    `  gradient ${inspection.differentiable ? "available" : "not available"}`,
    `  methods  ${inspection.methods.join(", ") || "none"}`,
  );
  for (const note of inspection.notes ?? []) lines.push(`  note     ${note}`);
  for (const reason of inspection.why ?? []) lines.push(`  why      ${reason}`);
  return lines;
}

const outputInWords = ({ kind, classes, features }: Inspection["output"]): string =>
  kind === "features" ? `${features} features; the model has no classifier` : `${kind} of ${classes} classes`;

const batchInWords = (batch: number | "N" | undefined): string =>
  batch === "N" ? "any size" : batch === 1 ? "one image at a time" : `${batch} images at a time`;

const plural = (count: number, noun: string): string => (count === 1 ? noun : `${noun}s`);

/** Equal blocks in a row make one line. */
function describeBlocks(blocks: readonly InspectedBlock[]): string[] {
  const lines: { text: string; count: number }[] = [];
  for (const block of blocks) {
    const shifted = block.shift?.some((s) => s > 0) ? ` shifted by ${times(block.shift)}` : "";
    const where =
      block.window && block.grid
        ? `windows of ${times(block.window)}${shifted} on ${times(block.grid)}, `
        : "";
    const text = `${where}${block.heads} ${plural(block.heads, "head")}, ${block.tokens} tokens`;
    const last = lines.at(-1);
    if (last?.text === text) last.count++;
    else lines.push({ text, count: 1 });
  }
  return lines.map((line) => `${line.count} × ${line.text}`);
}

/** First and last few names of a long list. */
function shortList(names: readonly string[]): string {
  if (names.length <= 8) return names.join(", ");
  return `${names.slice(0, 3).join(", ")}, …, ${names.slice(-4).join(", ")}`;
}

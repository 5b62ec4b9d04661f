/**
 * @file What the shapes of a Swin's tensors say of it, whichever library they are from: for state dicts that come
 * without a configuration. What shapes cannot say (the image size; V2's windows where no buffer keeps them) is left to
 * the user.
 */
import type { Inferred, Size } from "./architecture.js";
import type { TensorShapes } from "./stored-tensor.js";

/** Names of tensors. */
export interface SwinTensorNames {
  readonly patches: string;
  /** Prefix of a block's tensors, with the last dot. */
  readonly block: (stage: number, block: number) => string;
  /** Behind a block's prefix: what every block has; the first linear layer of the MLP; what stands before attention's. */
  readonly mark: string;
  readonly fc1: string;
  readonly attention: string;
  /** Behind attention's prefix. */
  readonly table: string;
}

export interface SwinShapes {
  /** Whether it is a Swin V2. */
  readonly second: boolean;
  readonly channels: number;
  readonly patch: Size;
  readonly embedDim: number;
  readonly depths: readonly number[];
  readonly heads: readonly number[];
  readonly mlpRatio: number;
  /** Of each stage; undefined where shapes do not say. */
  readonly windows: readonly (Size | undefined)[];
  /** Where the windows are from. */
  readonly windowTensor: string;
}

/** Undefined where the tensors are none of a Swin under these names. */
export function swinShapes(tensors: TensorShapes, names: SwinTensorNames): SwinShapes | undefined {
  const dims = (name: string): readonly number[] => tensors.get(name)?.dims ?? [];
  const attention = (stage: number): string => names.block(stage, 0) + names.attention;
  const table = names.table;
  const scales = `${attention(0)}logit_scale`;
  const second = tensors.has(scales);
  if (!tensors.has(names.patches) || !(second || tensors.has(attention(0) + table))) return undefined;
  const [embedDim = 0, channels = 0, height = 0, width = 0] = dims(names.patches);
  const depths: number[] = [];
  for (let stage = 0; tensors.has(names.block(stage, 0) + names.mark); stage++) {
    let depth = 1;
    while (tensors.has(names.block(stage, depth) + names.mark)) depth++;
    depths.push(depth);
  }
  const [hidden = 0] = dims(names.block(0, 0) + names.fc1);
  return {
    second,
    channels,
    patch: [height, width],
    embedDim,
    depths,
    heads: depths.map((_, stage) =>
      second ? (dims(`${attention(stage)}logit_scale`)[0] ?? 0) : (dims(attention(stage) + table)[1] ?? 0),
    ),
    mlpRatio: hidden / embedDim,
    windows: depths.map((_, stage) => windowOf(tensors, attention(stage), table)),
    windowTensor: attention(0) + (second ? "relative_coords_table" : table),
  };
}

/** From the offsets [1, 2h − 1, 2w − 1, 2], or how many there are: (2h − 1)·(2w − 1), taken as square. */
function windowOf(tensors: TensorShapes, attention: string, table: string): Size | undefined {
  const [, down, across] = tensors.get(`${attention}relative_coords_table`)?.dims ?? [];
  if (down !== undefined && across !== undefined) return [(down + 1) / 2, (across + 1) / 2];
  const index = tensors.get(`${attention}relative_position_index`)?.dims ?? [];
  const pairs = index.reduce((product, length) => product * length, 1);
  const side = Math.sqrt(tensors.get(attention + table)?.dims[0] ?? 0);
  const length = index.length > 0 ? pairs ** 0.25 : (side + 1) / 2;
  const square = Number.isInteger(length) && (index.length === 0 || side === 0 || side === 2 * length - 1);
  return square && length > 1 ? [length, length] : undefined;
}

/** Sizes as "4×4", lists as "2, 2, 6, 2". */
function inWords(name: string, value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  const size = /size$/.test(name) && value.length === 2 && value.every((side) => typeof side === "number");
  return size ? value.join("×") : value.map((entry) => inWords(name, entry)).join(", ");
}

/** An argument, its value, and where that is from. */
export type Finding = readonly [name: string, value: unknown, from: string];

/** The later of two findings of one name holds; what the user states holds over both. */
export function settle(
  findings: readonly Finding[],
  stated: Readonly<Record<string, unknown>>,
): { readonly args: Readonly<Record<string, unknown>>; readonly inferred: readonly Inferred[] } {
  const found = new Map(findings.map((finding) => [finding[0], finding]));
  const unstated = [...found.values()].filter(([name]) => !Object.hasOwn(stated, name));
  return {
    args: { ...Object.fromEntries(unstated.map(([name, value]) => [name, value])), ...stated },
    inferred: unstated.map(([name, value, from]) => ({ name, value: inWords(name, value), from })),
  };
}

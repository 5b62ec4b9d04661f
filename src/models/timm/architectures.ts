/** @file What timm knows under an architecture's name: the model's class, its arguments, and how pictures are prepared. */
import { PREPARED, RENAMED, ROWS } from "./architectures.generated.js";
import type { TimmDescription, TimmPretrained } from "./config.js";

export interface TimmArchitecture {
  /** timm's model class: "VisionTransformer", "SwinTransformerV2", "Eva". */
  readonly class: string;
  /** Keyword arguments that the name stands for; layers by their class' name. Others have the class' defaults. */
  readonly args: Readonly<Record<string, unknown>>;
  /** Of the tag's weights, or of the default tag's; with the tag that it is. */
  readonly pretrained: TimmPretrained & { readonly tag: string };
}

/** An architecture's name as timm has it today, and the tag of the weights where the name carries one. */
export function splitName(name: string): { readonly architecture: string; readonly tag?: string } {
  const current = Object.hasOwn(RENAMED, name) ? (RENAMED[name] ?? name) : name;
  const dot = current.indexOf(".");
  return dot < 0
    ? { architecture: current }
    : { architecture: current.slice(0, dot), tag: current.slice(dot + 1) };
}

/**
 * timm's entry for a name, with or without the tag of its weights ("vit_tiny_patch16_224.augreg_in21k"). Undefined for
 * names that timm does not have, and for classes other than its ViT, DeiT, Swin, SwinV2, BEiT and EVA. A tag that timm
 * does not have counts as none.
 */
export function timmArchitecture(name: string): TimmArchitecture | undefined {
  const { architecture, tag } = splitName(name);
  const row = Object.hasOwn(ROWS, architecture) ? ROWS[architecture] : undefined;
  if (row === undefined) return undefined;
  const [modelClass, args, tags] = row;
  const places = tags.split(" ").map((text): readonly [string, number] => {
    const colon = text.lastIndexOf(":");
    return [text.slice(0, colon), Number(text.slice(colon + 1))];
  });
  const [found, place] = places.find(([known]) => known === tag) ?? places[0] ?? ["", 0];
  return { class: modelClass, args, pretrained: { ...PREPARED[place], tag: found } };
}

/** One of these says that the configuration describes how pictures are prepared. */
const PREPARES = ["input_size", "interpolation", "crop_pct", "mean", "std"];

/**
 * How the checkpoint's pictures are prepared: what its configuration says, or else what timm says of the architecture.
 *
 * @returns and a sentence about where it is from, if not from the configuration
 */
export function pretrainedOf({ architecture, pretrained }: TimmDescription): {
  readonly pretrained: TimmPretrained;
  readonly note?: string;
} {
  if (pretrained && PREPARES.some((field) => field in pretrained)) return { pretrained };
  const tag = pretrained?.tag;
  const entry = timmArchitecture(tag === undefined ? architecture : `${architecture}.${tag}`);
  if (entry === undefined) return { pretrained: pretrained ?? {} };
  const name = [architecture, entry.pretrained.tag].filter((part) => part !== "").join(".");
  return {
    pretrained: entry.pretrained,
    note: `The checkpoint does not say how images are prepared; taken from timm's ${name}.`,
  };
}

/** @file Image sizes of timm's VisionTransformer: which one the graph takes, and which one the stored positions are for. */
import type { Size } from "../architecture.js";
import type { Site } from "../layers.js";
import { gridOf, type PrefixTokens, prefixLength } from "../vit.js";
import { pretrainedOf } from "./architectures.js";
import { type Context, refuse } from "./vit-context.js";

/** The size that the model was made for, as timm settles it. */
function statedImage({ description, args }: Context): Size {
  const { input_size, fixed_input_size = true } = pretrainedOf(description).pretrained;
  const prepared: Size | undefined = input_size && [input_size[1], input_size[2]];
  return args.img_size ?? (fixed_input_size ? prepared : undefined) ?? [224, 224];
}

export interface Pictures {
  readonly image: Size;
  readonly patch: Size;
  /** Zeros at the bottom and at the right make whole patches. */
  readonly padded: Size;
}

export function picturesOf(context: Context, asked: Size | undefined): Pictures {
  const { args, description } = context;
  const patch = args.patch_size;
  const { input_size } = pretrainedOf(description).pretrained;
  const usual: Size | undefined =
    args.dynamic_img_size && input_size ? [input_size[1], input_size[2]] : undefined;
  const image = asked ?? usual ?? statedImage(context);
  const whole = image.every((side, axis) => side % (patch[axis] ?? 1) === 0);
  const pads = args.dynamic_img_size && args.dynamic_img_pad;
  const shown = `images of ${image.join("×")} are no multiple of patches of ${patch.join("×")}`;
  // A model of one size only may be made for such images: it leaves the rest out.
  if (!whole && !pads && (asked !== undefined || args.dynamic_img_size || args.dynamic_img_pad)) {
    return refuse(description, shown);
  }
  const up = (side: number, unit: number): number => Math.ceil(side / unit) * unit;
  const padded: Size = pads ? [up(image[0], patch[0]), up(image[1], patch[1])] : image;
  if (gridOf(padded, patch).includes(0)) {
    return refuse(description, `patches of ${patch.join("×")} exceed images of ${image.join("×")}`);
  }
  return { image, patch, padded };
}

/** The grid that the checkpoint's positions are for: one that its configuration states and that fits, or a square. */
export function storedGrid(context: Context, pictures: Pictures, prefix: readonly PrefixTokens[]): Size {
  const { tensors, description } = context;
  const wanted = gridOf(pictures.padded, pictures.patch);
  const stored = tensors.get("pos_embed")?.dims[1];
  // A missing tensor is told with all the others.
  if (stored === undefined) return wanted;
  const rows = stored - prefixLength(prefix.filter((tokens) => tokens.positioned));
  const { input_size } = pretrainedOf(description).pretrained;
  const told = [
    statedImage(context),
    ...(input_size ? [[input_size[1], input_size[2]] as const] : []),
    pictures.padded,
  ];
  const fitting = told.map((size) => gridOf(size, pictures.patch)).find(([h, w]) => h * w === rows);
  if (fitting) return fitting;
  const side = Math.sqrt(rows);
  return Number.isInteger(side) && side > 0 ? [side, side] : wanted;
}

/** The zeros, where there are any. */
export function pad({ graph }: Site, pixels: string, { image, padded }: Pictures): string {
  if (image.join() === padded.join()) return pixels;
  const pads = [0, 0, 0, 0, 0, 0, padded[0] - image[0], padded[1] - image[1]];
  return graph.add("Pad", [pixels, graph.ints(pads)], {}, { scope: "patch_embed", hint: "patch_embed.Pad" });
}

/**
 * @file A bare state dict of timm's Swin, or of Microsoft's, which has the same names: shapes say nearly all of it, the
 * user's --arch the size of the images and, for most of V2's, of the windows.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Spec } from "../../spec.js";
import type { Recognised, Size } from "../architecture.js";
import { argumentsOf } from "../argument.js";
import type { TensorShapes } from "../stored-tensor.js";
import { type Finding, type SwinShapes, settle, swinShapes } from "../swin-shapes.js";
import { ROWS } from "./architectures.generated.js";
import { splitName, type TimmArchitecture, timmArchitecture } from "./architectures.js";
import { isSwin } from "./swin-arguments.js";

const PATCHES = "patch_embed.proj.weight";

const NAMES = {
  patches: PATCHES,
  block: (stage: number, block: number) => `layers.${stage}.blocks.${block}.`,
  mark: "norm1.weight",
  fc1: "mlp.fc1.weight",
  attention: "attn.",
  table: "relative_position_bias_table",
};

function unsettled({ second, embedDim, depths }: SwinShapes, arch: Spec | undefined): VitreousError {
  const likely = Object.entries(ROWS).filter(
    ([, [name, args]]) =>
      name === (second ? "SwinTransformerV2" : "SwinTransformer") &&
      args.embed_dim === embedDim &&
      String(args.depths) === depths.join(),
  );
  const example = second ? "swinv2_tiny_window8_256" : "swin_tiny_patch4_window7_224";
  const names = likely.length > 0 ? likely.map(([name]) => name) : [`${example}:img_size=224`];
  const problem =
    arch === undefined
      ? "they do not tell the size of the images, nor how they are prepared"
      : `"${arch.name}" is not one of timm's names for it`;
  return new VitreousError(
    `the tensors are those of timm's Swin${second ? " V2" : ""} of width ${embedDim} and depths ${depths.join(", ")}, but ${problem}. Give --arch ${names.slice(0, 3).join(" or --arch ")}.`,
  );
}

/** Microsoft's checkpoints keep the mask of shifted windows, [windows, …]; the image is taken as square. */
function masked(tensors: TensorShapes, { patch, windows }: SwinShapes): readonly Finding[] {
  const name = "layers.0.blocks.1.attn_mask";
  const across = Math.sqrt(tensors.get(name)?.dims[0] ?? 0.5);
  const [window] = windows;
  if (!Number.isInteger(across) || window === undefined) return [];
  const size: Size = [across * window[0] * patch[0], across * window[1] * patch[1]];
  return [["img_size", size, `the shape of ${name}`]];
}

function findingsOf(
  tensors: TensorShapes,
  shapes: SwinShapes,
  entry: TimmArchitecture,
  architecture: string,
): readonly Finding[] {
  const { channels, patch, embedDim, depths, heads, mlpRatio, windows, windowTensor } = shapes;
  const rows = (name: string): number => tensors.get(name)?.dims[0] ?? 0;
  const widths = heads.map((n, stage) => rows(`layers.${stage}.blocks.0.attn.qkv.weight`) / 3 / n);
  const usual = widths.every((width, stage) => width === (embedDim * 2 ** stage) / (heads[stage] ?? 1));
  const head = tensors.has("head.weight") ? "head.weight" : "head.fc.weight";
  const known = windows.filter((window) => window !== undefined);
  const same = known.every((window) => window.join() === known[0]?.join());
  const [, ...image] = entry.pretrained.input_size ?? [3, 224, 224];
  const biased = [".qkv.bias", ".q_bias"].some((bias) => tensors.has(`layers.0.blocks.0.attn${bias}`));
  return [
    ["embed_dim", embedDim, `the shape of ${PATCHES}`],
    ["depths", depths, "the number of blocks"],
    ["num_heads", heads, shapes.second ? "the shapes of logit_scale" : `the shapes of ${NAMES.table}`],
    ...(usual ? [] : [["head_dim", widths, "the shapes of attn.qkv.weight"] as const]),
    ...(known.length === windows.length
      ? [["window_size", same ? known[0] : known, `the shape of ${windowTensor} and its like`] as const]
      : [["window_size", entry.args.window_size ?? 7, architecture] as const]),
    ...Object.entries(entry.args)
      .filter(([name]) => name === "pretrained_window_sizes")
      .map(([name, value]): Finding => [name, value, architecture]),
    ["patch_size", patch, `the shape of ${PATCHES}`],
    ["in_chans", channels, `the shape of ${PATCHES}`],
    ["mlp_ratio", mlpRatio, "the shape of layers.0.blocks.0.mlp.fc1.weight"],
    ["qkv_bias", biased, "the names layers.0.blocks.0.attn.…"],
    ["img_size", image, architecture],
    ...masked(tensors, shapes),
    ["num_classes", rows(head), rows(head) > 0 ? `the shape of ${head}` : "no head"],
  ];
}

/** See `Architecture.recognise`. */
export function recogniseSwin(tensors: TensorShapes, arch: Spec | undefined): Recognised | undefined {
  const shapes = swinShapes(tensors, NAMES);
  if (shapes === undefined || tensors.get(PATCHES)?.dims.length !== 4) return undefined;
  const entry = arch && timmArchitecture(arch.name);
  if (arch === undefined || entry === undefined) throw unsettled(shapes, arch);
  const { architecture } = splitName(arch.name);
  if (!isSwin({ architecture }) || (entry.class === "SwinTransformerV2") !== shapes.second) {
    throw unsettled(shapes, arch);
  }
  const stated = argumentsOf(arch);
  if (!shapes.second && shapes.windows.includes(undefined) && !("window_size" in stated)) {
    throw new VitreousError(
      `${shapes.windowTensor} is of no square window: give its height and width, as in --arch ${arch.name}:window_size=4x6`,
    );
  }
  const { args, inferred } = settle(findingsOf(tensors, shapes, entry, architecture), stated);
  return {
    description: {
      library: "timm",
      architecture,
      classes: undefined,
      pool: undefined,
      args,
      pretrained: entry.pretrained,
      labels: undefined,
    },
    inferred,
  };
}

/** @file Arguments of timm's SwinTransformer and SwinTransformerV2: each is understood, has no effect, or is refused. */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import type { Size } from "../architecture.js";
import type { Activation } from "../layers.js";
import { timmArchitecture } from "./architectures.js";
import { count, pairArgument, readArguments, WITHOUT_EFFECT } from "./arguments.js";
import type { TimmDescription } from "./config.js";

const FIRST = "SwinTransformer";
const SECOND = "SwinTransformerV2";

/** One value for all stages, or one for each. */
type Staged<T> = { readonly all: T } | { readonly each: readonly T[] };

const all = <T>(value: T): Staged<T> => ({ all: value });
const each = <T>(values: readonly T[]): Staged<T> => ({ each: values });
const staged = <T>(one: z.ZodType<T>) => z.union([one.transform(all), z.array(one).transform(each)]);

const length = z.int().nonnegative();
const pair = z.tuple([count, count]).transform((size): Size => size);

/** Of both classes. */
const common = {
  ...WITHOUT_EFFECT,
  img_size: pairArgument.optional(),
  patch_size: pairArgument.default([4, 4]),
  in_chans: count.optional(),
  num_classes: length.optional(),
  global_pool: z.string().optional(),
  embed_dim: count.default(96),
  depths: z.array(count).min(1).default([2, 2, 6, 2]),
  num_heads: z.array(count).default([3, 6, 12, 24]),
  /** Two numbers are height and width, not the windows of two stages (`resolve_stage_window_sizes`). */
  window_size: z
    .union([pair.transform(all), pairArgument.transform(all), z.array(pairArgument).transform(each)])
    .default({ all: [7, 7] }),
  always_partition: z.boolean().default(false),
  strict_img_size: z.boolean().default(true),
  dynamic_img_size: z.boolean().default(false),
  qkv_bias: z.boolean().default(true),
};

const first = z.strictObject({
  ...common,
  head_dim: staged(count.nullable()).default({ all: null }),
  mlp_ratio: staged(z.number().positive()).default({ all: 4 }),
  weight_init: z.string().optional(),
});

/** timm.layers.create_act, by the names that a graph can be written for. */
const activations = { gelu: "gelu", gelu_tanh: "gelu_tanh", quick_gelu: "quick_gelu", relu: "relu" } as const;
const act = z
  .enum(["gelu", "gelu_tanh", "quick_gelu", "relu", "silu", "swish"])
  .transform((name): Activation => (name === "silu" || name === "swish" ? "silu" : activations[name]));

const second = z.strictObject({
  ...common,
  mlp_ratio: z.number().positive().default(4),
  act_layer: act.default("gelu"),
  /** Of each stage; 0: as large as they are. */
  pretrained_window_sizes: z
    .array(z.union([length.transform((side): Size => [side, side]), z.tuple([length, length])]))
    .default([]),
});

type Common = Omit<
  z.output<typeof second>,
  "window_size" | "mlp_ratio" | "act_layer" | "pretrained_window_sizes"
>;

export interface SwinArguments extends Common {
  /** Whether it is a SwinTransformerV2. */
  readonly second: boolean;
  /** Of each stage, like the next three. */
  readonly windows: readonly Size[];
  readonly headDims: readonly (number | undefined)[];
  readonly mlpRatios: readonly number[];
  /** Windows before fine-tuning. */
  readonly trainedWindows: readonly Size[];
  readonly act: Activation;
}

export const isSwin = ({ architecture }: Pick<TimmDescription, "architecture">): boolean =>
  [FIRST, SECOND].includes(timmArchitecture(architecture)?.class ?? "");

/** @throws VitreousError naming each argument that is wrong or unknown */
export function swinArguments(description: TimmDescription): SwinArguments {
  const spread = <T>(name: string, value: Staged<T>, stages: number): readonly T[] => {
    const values = "all" in value ? new Array<T>(stages).fill(value.all) : value.each;
    if (values.length === stages) return values;
    throw new VitreousError(
      `config.json: model_args.${name} has ${values.length} entries for ${stages} stages.`,
    );
  };
  if (timmArchitecture(description.architecture)?.class === SECOND) {
    const { window_size, mlp_ratio, act_layer, pretrained_window_sizes, ...rest } = readArguments(
      description,
      second,
    );
    return {
      ...rest,
      second: true,
      windows: spread("window_size", window_size, rest.depths.length),
      headDims: [],
      mlpRatios: rest.depths.map(() => mlp_ratio),
      trainedWindows: pretrained_window_sizes,
      act: act_layer,
    };
  }
  const { window_size, mlp_ratio, head_dim, weight_init: _, ...rest } = readArguments(description, first);
  const stages = rest.depths.length;
  return {
    ...rest,
    second: false,
    windows: spread("window_size", window_size, stages),
    headDims: spread("head_dim", head_dim, stages).map((width) => width ?? undefined),
    mlpRatios: spread("mlp_ratio", mlp_ratio, stages),
    trainedWindows: [],
    act: "gelu",
  };
}

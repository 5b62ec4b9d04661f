/** @file Keyword arguments of a timm model class: what its configuration says, over what the architecture's name stands for. */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import type { Plan, Size } from "../architecture.js";
import { pretrainedOf, timmArchitecture } from "./architectures.js";
import type { TimmDescription } from "./config.js";

export const count = z.int().positive();

/** A length, or height and width. */
export const pairArgument = z
  .union([count, z.tuple([count, count])])
  .transform((value): Size => (typeof value === "number" ? [value, value] : value));

/** Arguments of training, and of images of changing size, which no checkpoint's logits depend on. */
export const WITHOUT_EFFECT = {
  drop_rate: z.number().optional(),
  pos_drop_rate: z.number().optional(),
  patch_drop_rate: z.number().optional(),
  proj_drop_rate: z.number().optional(),
  attn_drop_rate: z.number().optional(),
  drop_path_rate: z.number().optional(),
  head_init_scale: z.number().optional(),
} as const;

/** @throws VitreousError naming each argument that is wrong or unknown */
export function readArguments<S extends z.ZodType>(
  { architecture, args }: TimmDescription,
  schema: S,
): z.output<S> {
  const result = schema.safeParse({ ...timmArchitecture(architecture)?.args, ...args });
  if (result.success) return result.data;
  const problems = result.error.issues.map((i) => `${["model_args", ...i.path].join(".")}: ${i.message}`);
  throw new VitreousError(`config.json: ${problems.join("; ")}.`);
}

/** Of the pictures that the checkpoint is made for: what the class is given, or that of the pictures it was trained on. */
export function ownInput(
  description: TimmDescription,
  given: { readonly img_size?: Size | undefined; readonly in_chans?: number | undefined },
): { readonly image: Size; readonly channels: number } {
  const [channels = 3, height = 224, width = 224] = pretrainedOf(description).pretrained.input_size ?? [];
  return { image: given.img_size ?? [height, width], channels: given.in_chans ?? channels };
}

/** What a person should know of a checkpoint without a classifier. */
export const WITHOUT_CLASSIFIER = "The checkpoint has no classifier: the model gives features.";

/** What a plan says beside its graph: how pictures of the size it takes are prepared, and what a person should know. */
export function statedBy(
  description: TimmDescription,
  input: readonly [channels: number, height: number, width: number],
  notes: readonly (string | false)[],
): Pick<Plan, "preprocessing" | "notes"> {
  const { pretrained, note } = pretrainedOf(description);
  return {
    preprocessing: { pretrained_cfg: { ...pretrained, input_size: input } },
    notes: [...(note === undefined ? [] : [note]), ...notes.filter((text) => text !== false)],
  };
}

/** timm's default where neither the configuration nor the architecture's weights say how many. */
const DEFAULT_CLASSES = 1000;

export function classesOf(description: TimmDescription, given: number | undefined): number {
  const entry = timmArchitecture(description.architecture);
  return given ?? description.classes ?? entry?.pretrained.num_classes ?? DEFAULT_CLASSES;
}

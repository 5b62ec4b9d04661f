/**
 * @file timm's config.json, as its hub layout has it: the architecture's name, arguments that differ from it, and how
 * the weights' pictures were prepared.
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";

const size = z.int().positive();

const pretrainedCfg = z.looseObject({
  tag: z.string().optional(),
  input_size: z.tuple([size, size, size]).optional(),
  interpolation: z.string().optional(),
  crop_pct: z.number().positive().nullable().optional(),
  crop_mode: z.string().optional(),
  mean: z.array(z.number()).optional(),
  std: z.array(z.number()).optional(),
});

const timmConfig = z.looseObject({
  architecture: z.string(),
  num_classes: z.int().nonnegative().optional(),
  global_pool: z.string().optional(),
  model_args: z.record(z.string(), z.unknown()).optional(),
  pretrained_cfg: pretrainedCfg.optional(),
  label_names: z.array(z.string()).optional(),
  label_descriptions: z.record(z.string(), z.string()).optional(),
});

export type TimmPretrained = z.infer<typeof pretrainedCfg>;

export interface TimmDescription {
  readonly library: "timm";
  /** Without the tag of the weights: "vit_tiny_patch16_224". */
  readonly architecture: string;
  /** Undefined: the architecture's own number. */
  readonly classes: number | undefined;
  readonly pool: string | undefined;
  /** Keyword arguments of timm's model class, not checked yet. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly pretrained: TimmPretrained | undefined;
  readonly labels: readonly string[] | undefined;
}

/** @throws VitreousError naming each field that is wrong */
export function readTimmConfig(json: unknown, source: string): TimmDescription {
  const result = timmConfig.safeParse(json);
  if (!result.success) {
    const problems = result.error.issues.map((i) => `${i.path.join(".") || "the file"}: ${i.message}`);
    throw new VitreousError(`${source} is no timm checkpoint's description: ${problems.join("; ")}.`);
  }
  const { architecture, num_classes, global_pool, model_args, pretrained_cfg, label_names } = result.data;
  const { label_descriptions: descriptions = {} } = result.data;
  return {
    library: "timm",
    architecture: architecture.split(".", 1)[0] ?? architecture,
    classes: num_classes,
    pool: global_pool,
    args: model_args ?? {},
    pretrained: pretrained_cfg,
    labels: label_names?.map((name) =>
      Object.hasOwn(descriptions, name) ? (descriptions[name] ?? name) : name,
    ),
  };
}

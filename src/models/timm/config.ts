/**
 * @file timm's config.json, as its hub layout has it: the architecture's name, arguments that differ from it, and how
 * the weights' pictures were prepared.
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import { splitName } from "./architectures.js";

const size = z.int().positive();

const pretrainedCfg = z.looseObject({
  tag: z.string().optional(),
  input_size: z.tuple([size, size, size]).optional(),
  interpolation: z.string().optional(),
  fixed_input_size: z.boolean().optional(),
  crop_pct: z.number().positive().nullable().optional(),
  crop_mode: z.string().optional(),
  mean: z.array(z.number()).optional(),
  std: z.array(z.number()).optional(),
  num_classes: z.int().nonnegative().optional(),
});

/** A list, or the name of each class by its number. */
const labelNames = z.union([z.array(z.string()), z.record(z.string(), z.string())]).nullable();

const labelled = {
  label_names: labelNames.optional(),
  label_descriptions: z.record(z.string(), z.string()).nullable().optional(),
};

const timmConfig = z.looseObject({
  architecture: z.string(),
  num_classes: z.int().nonnegative().optional(),
  global_pool: z.string().optional(),
  model_args: z.record(z.string(), z.unknown()).optional(),
  pretrained_cfg: pretrainedCfg.extend(labelled),
  ...labelled,
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

/** The first configurations on the hub had the fields of pretrained_cfg beside the architecture, and labels. */
function nested(json: unknown): unknown {
  if (typeof json !== "object" || json === null || "pretrained_cfg" in json) return json;
  const { architecture, model_args, num_features, global_pool, ...pretrained } = json as Readonly<
    Record<string, unknown>
  >;
  const { labels, ...rest } = pretrained;
  const pretrained_cfg = labels === undefined ? rest : { ...rest, label_names: labels };
  return { architecture, model_args, num_features, global_pool, pretrained_cfg };
}

/**
 * @param source what messages call the file
 * @throws VitreousError naming each field that is wrong
 */
export function readTimmConfig(json: unknown, source: string): TimmDescription {
  const result = timmConfig.safeParse(nested(json));
  if (!result.success) {
    const problems = result.error.issues.map((i) => `${i.path.join(".") || "the file"}: ${i.message}`);
    throw new VitreousError(`${source} is no timm checkpoint's description: ${problems.join("; ")}.`);
  }
  const { num_classes, global_pool, model_args } = result.data;
  const { label_names, label_descriptions, ...stated } = result.data.pretrained_cfg;
  const { architecture, tag } = splitName(result.data.architecture);
  const pretrained = tag === undefined ? stated : { tag, ...stated };
  return {
    library: "timm",
    architecture,
    classes: num_classes ?? stated.num_classes,
    pool: global_pool,
    args: model_args ?? {},
    pretrained: Object.keys(pretrained).length > 0 ? pretrained : undefined,
    labels: labelsOf(
      result.data.label_names ?? label_names ?? [],
      result.data.label_descriptions ?? label_descriptions ?? {},
      source,
    ),
  };
}

/** Each class by its description, where there is one, or its name. */
function labelsOf(
  names: readonly string[] | Readonly<Record<string, string>>,
  descriptions: Readonly<Record<string, string>>,
  source: string,
): readonly string[] | undefined {
  const count = Object.keys(names).length;
  if (count === 0) return undefined;
  const byNumber = new Map(Object.entries(names));
  return Array.from({ length: count }, (_, i) => {
    const name = byNumber.get(String(i));
    if (name === undefined)
      throw new VitreousError(`${source}: label_names has ${count} entries, but none for class ${i}.`);
    return Object.hasOwn(descriptions, name) ? (descriptions[name] ?? name) : name;
  });
}

/** Of a name, where there is no configuration. */
export const plainDescription = (architecture: string): TimmDescription => ({
  library: "timm",
  architecture,
  args: {},
  classes: undefined,
  pool: undefined,
  pretrained: undefined,
  labels: undefined,
});

/**
 * @file Hugging Face's config.json: which model it is, which class saved it, its labels. Fields that equal the model
 * type's defaults may be absent; the defaults are with the architectures.
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";

const config = z.looseObject({
  model_type: z.string(),
  architectures: z.array(z.string()).nullable().optional(),
  id2label: z.record(z.string(), z.unknown()).nullable().optional(),
  num_labels: z.int().positive().optional(),
});

export interface HuggingFaceDescription {
  readonly library: "hugging-face";
  /** "vit", "deit", "dinov2_with_registers", "swin", … */
  readonly modelType: string;
  /** Names of classes, as saved: "ViTForImageClassification". */
  readonly architectures: readonly string[];
  /** All of config.json, not checked yet. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Undefined where the configuration does not name them. */
  readonly labels: readonly string[] | undefined;
}

/** @throws VitreousError naming each field that is wrong */
export function readHuggingFaceConfig(json: unknown, source: string): HuggingFaceDescription {
  const result = config.safeParse(json);
  if (!result.success) {
    const problems = result.error.issues.map((i) => `${i.path.join(".") || "the file"}: ${i.message}`);
    throw new VitreousError(`${source} is no Hugging Face checkpoint's description: ${problems.join("; ")}.`);
  }
  const { model_type, architectures, id2label } = result.data;
  return {
    library: "hugging-face",
    modelType: model_type,
    architectures: architectures ?? [],
    json: result.data,
    labels: id2label ? labelsOf(id2label, source) : undefined,
  };
}

function labelsOf(id2label: Readonly<Record<string, unknown>>, source: string): readonly string[] {
  const count = Object.keys(id2label).length;
  return Array.from({ length: count }, (_, i) => {
    const label = id2label[String(i)];
    if (label === undefined)
      throw new VitreousError(`${source}: id2label has ${count} entries, but none for class ${i}.`);
    return String(label);
  });
}

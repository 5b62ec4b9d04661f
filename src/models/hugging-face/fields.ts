/**
 * @file Fields of Hugging Face's configurations: unknown ones do nothing there, so only those that the model's code reads
 * are checked.
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import type { Size } from "../architecture.js";
import type { HuggingFaceDescription } from "./config.js";

export const positiveInt = z.int().positive();

/** A length in pixels, or height and width. */
export const pairField = z
  .union([positiveInt, z.tuple([positiveInt, positiveInt])])
  .transform((value): Size => (typeof value === "number" ? [value, value] : value));

/** @throws VitreousError naming each field that is wrong */
export function readFields<S extends z.ZodType>({ json }: HuggingFaceDescription, schema: S): z.output<S> {
  if (json.quantization_config !== undefined && json.quantization_config !== null) {
    throw new VitreousError(
      "config.json: quantization_config is not supported: open the checkpoint before it was quantised.",
    );
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const problems = result.error.issues.map((i) => `${i.path.join(".")}: ${i.message}`);
  throw new VitreousError(`config.json: ${problems.join("; ")}.`);
}

/** transformers' default where a configuration names no labels. */
const DEFAULT_CLASSES = 2;

export function classesOf({ labels, json }: HuggingFaceDescription): number {
  return labels?.length ?? (typeof json.num_labels === "number" ? json.num_labels : DEFAULT_CLASSES);
}

/**
 * @file Class names in the forms people have them: a JSON list, Hugging Face's id2label, timm's label_names, or plain
 * lines of text.
 */
import { VitreousError } from "../onnx/errors.js";

/** Names by index from parsed JSON, or undefined where it holds none. */
export function labelsFromJson(value: unknown): readonly string[] | undefined {
  if (Array.isArray(value)) return value.every((v) => typeof v === "string") ? value : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  for (const key of ["id2label", "label_names", "labels", "classes", "names"]) {
    const inner: unknown = Reflect.get(value, key);
    const labels = inner === undefined ? undefined : labelsFromJson(inner);
    if (labels !== undefined) return labels;
  }
  return byIndex(Object.entries(value));
}

/** { "0": "benign", "1": … }, complete from 0 on. */
function byIndex(entries: readonly (readonly [string, unknown])[]): readonly string[] | undefined {
  const labels: string[] = [];
  for (const [key, label] of entries) {
    if (!/^\d+$/.test(key) || typeof label !== "string" || Number(key) >= entries.length) return undefined;
    labels[Number(key)] = label;
  }
  return labels.length > 0 && Object.keys(labels).length === entries.length ? labels : undefined;
}

/** Names from a file's text: JSON in any of the forms, else a name a line. */
export function labelsFromText(text: string, where: string): readonly string[] {
  if (/^\s*[[{]/.test(text)) {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      throw new VitreousError(
        `${where} is no valid JSON: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    const labels = labelsFromJson(json);
    if (labels !== undefined) return labels;
    throw new VitreousError(
      `${where} holds no class names: write a JSON list of names, {"0": name, …}, or a name a line`,
    );
  }
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((l) => l.trim());
  while (lines.at(-1) === "") lines.pop();
  if (lines.length === 0) throw new VitreousError(`${where} is empty: write a class name a line`);
  return lines;
}

/** Throws unless there is a name for each class. */
export function checkLabels(labels: readonly string[], classes: number, where: string): readonly string[] {
  if (labels.length === classes) return labels;
  throw new VitreousError(
    `${where} names ${labels.length} ${labels.length === 1 ? "class" : "classes"}, but the model has ${classes}; give the right names with --labels FILE`,
  );
}

/** Class numbers as names, where nothing says better. */
export const numberedLabels = (classes: number): readonly string[] =>
  Array.from({ length: classes }, (_, i) => String(i));

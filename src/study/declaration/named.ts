/**
 * @file Methods and metrics of a study file, with all parameters they then have, in the words of the command line.
 */

import type { Parameters } from "../../explain/method.js";
import { METHODS } from "../../explain/registry.js";
import { METRICS } from "../../metrics/registry.js";
import { VitreousError } from "../../onnx/errors.js";
import { type Entry, formatSpec, parseSpec } from "../../spec.js";
import type { StudyMethod, StudyMetric } from "../types.js";
import type { NamedEntry } from "./schema.js";

interface Described {
  readonly name: string;
  readonly parameters: Parameters;
}

function make<T extends Described>(
  kind: string,
  registry: Readonly<Record<string, Entry<T>>>,
  { name: text, parameters, id }: NamedEntry,
): { readonly made: T; readonly record: StudyMethod } {
  const { name, parameters: written } = parseSpec(text);
  const entry = Object.hasOwn(registry, name) ? registry[name] : undefined;
  if (entry === undefined) {
    throw new VitreousError(`is no ${kind}: there are ${Object.keys(registry).join(", ")}`);
  }
  const twice = Object.keys(parameters ?? {}).find((key) => Object.hasOwn(written, key));
  if (twice !== undefined)
    throw new VitreousError(`gives ${twice} twice, in its name and among its parameters`);
  const made = entry.make({ ...written, ...parameters });
  const spec = formatSpec(name, entry.schema, made.parameters);
  return { made, record: { id: id ?? spec, spec, parameters: made.parameters } };
}

/** @throws VitreousError: what is wrong with it, as the rest of a sentence that begins with its place. */
export const studyMethod = (entry: NamedEntry): StudyMethod => make("method", METHODS, entry).record;

export function studyMetric(entry: NamedEntry): StudyMetric {
  const { made, record } = make("metric", METRICS, entry);
  return { ...record, direction: made.direction };
}

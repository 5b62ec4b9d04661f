/**
 * @file Methods and metrics are named with their parameters after a colon, "gradient-rollout:discard=0.5,fusion=max":
 * one notation and one check for the command line, study files and library calls, so that a parameter means the
 * same, has the same default and fails with the same words everywhere.
 */
import { z } from "zod";
import { VitreousError } from "./onnx/errors.js";

/** A switch: true/false in code, "true"/"false"/"1"/"0"/"yes"/"no"/"on"/"off" in text. */
export const switchOption = z.union([z.boolean(), z.stringbool()]);

/** A number within [min, max], in code or as text; anything else is answered with one sentence. */
export function numberOption(min: number, max = Number.POSITIVE_INFINITY, whole = false) {
  const range = max === Number.POSITIVE_INFINITY ? `at least ${min}` : `from ${min} to ${max}`;
  const error = `must be a ${whole ? "whole " : ""}number, ${range}`;
  const fits = (v: number): boolean => v >= min && v <= max && (!whole || Number.isInteger(v));
  const fromText = (v: unknown): unknown => (typeof v === "string" && v.trim() !== "" ? Number(v) : v);
  return z.preprocess(fromText, z.number({ error }).refine(fits, { error }));
}

export interface Spec {
  readonly name: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Reads "name" or "name:key=value,key=value". */
export function parseSpec(text: string): Spec {
  const colon = text.indexOf(":");
  if (colon < 0) return { name: text.trim(), parameters: {} };
  const parameters: Record<string, string> = {};
  for (const part of text.slice(colon + 1).split(",")) {
    const equals = part.indexOf("=");
    const key = part.slice(0, equals).trim();
    if (equals < 1) {
      throw new VitreousError(
        `"${text}": after the colon, write key=value pairs separated by commas, not "${part}"`,
      );
    }
    if (Object.hasOwn(parameters, key)) throw new VitreousError(`"${text}": parameter ${key} is given twice`);
    parameters[key] = part.slice(equals + 1).trim();
  }
  return { name: text.slice(0, colon).trim(), parameters };
}

/** Options checked and defaults filled in; what is wrong is said in one sentence that names owner and parameter. */
export function checkOptions<S extends z.ZodObject>(owner: string, schema: S, options: unknown): z.output<S> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const known = Object.keys(schema.shape).join(", ");
  const problems = result.error.issues.map((issue) => {
    if (issue.code === "unrecognized_keys")
      return `there is no parameter ${issue.keys.join(", ")} (there are: ${known})`;
    return `${issue.path.join(".")}: ${issue.message}`;
  });
  throw new VitreousError(`${owner}: ${problems.join("; ")}`);
}

/** What a registry holds: the parameters and the maker, under a name. */
export interface Entry<T> {
  readonly schema: z.ZodObject;
  make(options: Readonly<Record<string, unknown>>): T;
}

/** Makes what `text` names out of a registry. `kind` is "method" or "metric", for messages. */
export function fromRegistry<T>(kind: string, registry: Readonly<Record<string, Entry<T>>>, text: string): T {
  const spec = parseSpec(text);
  const entry = Object.hasOwn(registry, spec.name) ? registry[spec.name] : undefined;
  if (entry === undefined) {
    throw new VitreousError(`unknown ${kind} "${spec.name}"; there are: ${Object.keys(registry).join(", ")}`);
  }
  return entry.make(spec.parameters);
}

/** "name" or "name:key=value,…" with the parameters that differ from the defaults, in the schema's order. */
export function formatSpec(
  name: string,
  schema: z.ZodObject,
  parameters: Readonly<Record<string, unknown>>,
): string {
  const defaults = schema.parse({}) as Readonly<Record<string, unknown>>;
  const text = (v: unknown): string => (Array.isArray(v) ? v.join("+") : String(v));
  const changed = Object.keys(schema.shape)
    .filter((key) => key in parameters && text(parameters[key]) !== text(defaults[key]))
    .map((key) => `${key}=${text(parameters[key])}`);
  return changed.length === 0 ? name : `${name}:${changed.join(",")}`;
}

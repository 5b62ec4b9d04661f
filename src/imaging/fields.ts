/**
 * @file Pieces of schema that the readers of preprocessing files share, and their errors: what is wrong is said by
 * the file and the key, as the person who wrote the file knows them.
 */
import { z } from "zod";
import { VitreousError } from "../onnx/errors.js";

/** Pixels of a side. */
export const side = z.int().positive().max(65_536);
export const positive = z.number().positive();
const perChannel = z.union([z.number().transform((v) => [v]), z.array(z.number()).min(1)]);
export const mean = perChannel;
export const std = perChannel.refine((v) => v.every((x) => x > 0), "must be greater than 0");

/** Parses `value`, or says which key of `where` is wrong. */
export function parse<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, 3).map((issue) => {
    const key = issue.path.map(String).join(".");
    return key === "" ? issue.message : `"${key}": ${issue.message}`;
  });
  throw new VitreousError(`${where}: ${issues.join("; ")}.`);
}

/** One number for all channels, or a number for each. */
export function forChannels(
  values: readonly number[],
  channels: number,
  key: string,
  where: string,
): number[] {
  if (values.length === channels) return [...values];
  if (values.length === 1) return Array.from({ length: channels }, () => values[0] as number);
  throw new VitreousError(`${where}: "${key}" has ${values.length} numbers for ${channels} channels.`);
}

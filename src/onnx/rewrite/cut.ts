/** @file Writes a part of a value, and zeros around one. */
import type { GraphBuilder, NodeOptions } from "../builder.js";
import { type Box, isWhole } from "./box.js";
import { sliceTensor } from "./slice-tensor.js";

/** The part of a value in a box: a constant of its own where the value is one, else a Slice. */
export function cut(builder: GraphBuilder, name: string, box: Box, options?: NodeOptions): string {
  if (isWhole(box)) return name;
  const tensor = builder.constantOf(name);
  const part = tensor && sliceTensor(tensor, box);
  if (part !== undefined) return builder.constant(part, name);
  const axes = box.flatMap((range, axis) => (range === null ? [] : [axis]));
  const starts = axes.map((axis) => box[axis]?.[0] ?? 0);
  const ends = axes.map((axis) => box[axis]?.[1] ?? 0);
  const bounds = [starts, ends, axes].map((values) => builder.ints(values));
  return builder.add("Slice", [name, ...bounds], {}, options ?? { hint: name });
}

/** Numbers of zeros before and after, for each axis. */
export type Margins = readonly (readonly [before: number, after: number])[];

/** A value with zeros around it. */
export function surround(
  builder: GraphBuilder,
  name: string,
  margins: Margins,
  options?: NodeOptions,
): string {
  if (margins.every(([before, after]) => before === 0 && after === 0)) return name;
  const pads = [...margins.map(([before]) => before), ...margins.map(([, after]) => after)];
  return builder.add("Pad", [name, builder.ints(pads)], {}, options ?? { hint: name });
}

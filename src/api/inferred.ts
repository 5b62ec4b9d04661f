/** @file What was made up for a checkpoint that says too little of itself, in one sentence. */
import type { Inferred } from "../models/architecture.js";

/** "inferred: num_heads 3, img_size 64 from vit_tiny_patch16_224; depth 4 from the names of the blocks". */
export function inferredInWords(inferred: readonly Inferred[]): string {
  const bySource = new Map<string, string[]>();
  for (const { name, value, from } of inferred) {
    bySource.set(from, [...(bySource.get(from) ?? []), `${name} ${value}`]);
  }
  const parts = [...bySource].map(([from, values]) => `${values.join(", ")} from ${from}`);
  return `inferred: ${parts.join("; ")}`;
}

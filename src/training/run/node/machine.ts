/** @file What a training ran on, for its record. */
import { createRequire } from "node:module";
import type { TrainingRecord } from "../record.js";

export function machine(): TrainingRecord["machine"] {
  const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
  return { node: process.version, onnxruntime: version, platform: `${process.platform} ${process.arch}` };
}

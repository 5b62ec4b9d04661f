/**
 * @file Lets a worker thread start from the sources: Node cannot run TypeScript by itself, and Vitest's own transforms
 * do not reach threads that the code under test starts. Loaded by NODE_OPTIONS (vitest.config.ts); it does something
 * only in a worker whose entry does not exist as JavaScript.
 */
import { existsSync } from "node:fs";
import { register } from "node:module";
import { isMainThread } from "node:worker_threads";

if (!isMainThread && !existsSync(process.argv[1] ?? "")) register("./typescript-hooks.js", import.meta.url);

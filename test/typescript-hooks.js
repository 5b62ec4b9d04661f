/** @file Module hooks for workers in tests: "x.js" that is not there is "x.ts", its types taken off. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transformWithOxc } from "vite";

/**
 * @param {string} specifier
 * @param {unknown} context
 * @param {(specifier: string, context: unknown) => Promise<unknown>} next
 */
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (!specifier.endsWith(".js") || !(error instanceof Error && "code" in error)) throw error;
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    return next(specifier.replace(/\.js$/, ".ts"), context);
  }
}

/**
 * @param {string} url
 * @param {unknown} context
 * @param {(url: string, context: unknown) => Promise<unknown>} next
 */
export async function load(url, context, next) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return next(url, context);
  const path = fileURLToPath(url);
  const { code } = await transformWithOxc(readFileSync(path, "utf8"), path);
  return { format: "module", source: code, shortCircuit: true };
}

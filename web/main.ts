/**
 * @file The page: runs a model in the browser. Its functions are on `window.vitreous`, for the console and for
 * the test that drives the page.
 */
import type { NdArray } from "../src/runtime/runtime.js";
import { type WebRuntimeOptions, webRuntime } from "../src/runtime/web/web-runtime.js";

/** What can cross from the page to whoever drives it. */
interface PlainArray {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

/** Fetches a model and a float32 input, both raw bytes, and runs it once. */
async function run(
  modelUrl: string,
  input: { readonly name: string; readonly dims: readonly number[]; readonly url: string },
  options: WebRuntimeOptions = {},
): Promise<Record<string, PlainArray>> {
  const runtime = await webRuntime(options);
  try {
    const session = await runtime.load([await bytes(modelUrl)], { name: modelUrl });
    const data = new Float32Array((await bytes(input.url)).buffer);
    const array: NdArray = { dtype: "float32", dims: input.dims, data };
    const outputs = await session.run({ [input.name]: array });
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { dims, data }]) => [
        name,
        { dims, data: Array.from(data, Number) },
      ]),
    );
  } finally {
    await runtime.close();
  }
}

async function bytes(url: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

declare global {
  interface Window {
    vitreous: { readonly run: typeof run };
  }
}

window.vitreous = { run };

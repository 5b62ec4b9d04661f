import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeRuntime } from "../../src/runtime/node/node-runtime.js";
import type { Feeds } from "../../src/runtime/runtime.js";
import { findChromium, howToInstall, launch } from "./chromium.js";
import { type Site, serveFolder } from "./serve.js";

const chromium = findChromium();
if (chromium === undefined) {
  if (process.env.CI) throw new Error(howToInstall);
  console.warn(`Skipped: ${howToInstall}`);
}

const modelFile = fileURLToPath(new URL("../fixtures/models/vit/legacy-17.onnx", import.meta.url));
const dims = [2, 3, 32, 32];
const pixels = Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, i) => Math.sin(i * 0.37));

describe.skipIf(chromium === undefined)("the page, built and opened in Chromium", () => {
  let folder: string;
  let site: Site;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vitreous-page-"));
    await build({
      configFile: fileURLToPath(new URL("../../web/vite.config.ts", import.meta.url)),
      build: { outDir: folder },
      logLevel: "error",
    });
    site = await serveFolder(
      folder,
      new Map([
        ["/model.onnx", await readFile(modelFile)],
        ["/not-a-model.onnx", new Uint8Array(100)],
        ["/pixels.f32", new Uint8Array(pixels.buffer)],
      ]),
    );
    browser = await launch(chromium ?? "");
    page = await browser.newPage();
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    await page.goto(site.url);
    await page.waitForFunction(() => window.vitreous !== undefined);
  });

  afterAll(async () => {
    await browser?.close();
    await site?.close();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  const run = (model: string, options: { device?: "wasm" | "webgpu"; threads?: number } = {}) =>
    page.evaluate(
      ([url, dims, options]) =>
        window.vitreous.run(url, { name: "pixel_values", dims, url: "pixels.f32" }, options),
      [model, dims, options] as const,
    );

  async function onNode() {
    const runtime = await nodeRuntime();
    const session = await runtime.load([await readFile(modelFile)]);
    const feeds: Feeds = { pixel_values: { dtype: "float32", dims, data: pixels } };
    const { logits } = await session.run(feeds);
    await runtime.close();
    return {
      dims: logits?.dims ?? [],
      data: Array.from<number | bigint, number>(logits?.data ?? [], Number),
    };
  }

  it.each([1, 2])(
    "computes the logits that Node computes, with %i threads of WebAssembly",
    async (threads) => {
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      const { logits } = await run("model.onnx", { threads });
      const expected = await onNode();
      expect(logits?.dims).toEqual(expected.dims);
      const most = Math.max(...expected.data.map(Math.abs));
      const distances = expected.data.map((value, i) => Math.abs(value - (logits?.data[i] ?? Number.NaN)));
      expect(Math.max(...distances) / most).toBeLessThanOrEqual(1e-4);
    },
  );

  it("stays responsive while the worker computes", async () => {
    const ticks = await page.evaluate(
      async ([dims]) => {
        let count = 0;
        const timer = setInterval(() => count++, 1);
        await window.vitreous.run("model.onnx", { name: "pixel_values", dims, url: "pixels.f32" });
        clearInterval(timer);
        return count;
      },
      [dims] as const,
    );
    expect(ticks).toBeGreaterThan(5);
  });

  it("says what is wrong with a file that is no model", async () => {
    await expect(run("not-a-model.onnx")).rejects.toThrow(/'not-a-model.onnx' is not a whole ONNX model/);
  });

  it("reports nothing on the console", () => {
    expect(errors).toEqual([]);
  });
});

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { methodFromSpec, openModel } from "../../src/index.js";
import { type CorpusModel, corpus, golden, goldenFloats } from "../corpus.js";
import { findChromium, howToInstall, launch } from "./chromium.js";
import { type Site, serveFolder } from "./serve.js";

const chromium = findChromium();
if (chromium === undefined) {
  if (process.env.CI) throw new Error(howToInstall);
  console.warn(`Skipped: ${howToInstall}`);
}

const methods = ["grad-cam", "gradient-rollout", "rollout"];

/** One of the repository's own models, and the first of its golden images. */
function fixture(name: string) {
  const model = corpus().find((candidate) => candidate.folder.endsWith(join("fixtures", "models", name)));
  const path = model?.exports.find(
    (found) => found.layout === "NCHW" && !found.quantized && !found.half,
  )?.path;
  if (model === undefined || path === undefined) throw new Error(`The fixture ${name} is missing.`);
  return { name, path, image: firstImage(model) };
}

function firstImage(model: CorpusModel) {
  const [, channels = 0, height = 0, width = 0] = golden(model, "input").dims;
  return { channels, height, width, data: goldenFloats(model, "input").slice(0, channels * height * width) };
}

const models = [fixture("vit"), fixture("swin")];

/** A checkpoint of the repository's own, for images of 16 × 16. */
const checkpoint = fileURLToPath(
  new URL(
    "../fixtures/checkpoints/timm-beit-base-patch16-224-relative-positions/checkpoint",
    import.meta.url,
  ),
);

const small = {
  channels: 3,
  height: 16,
  width: 16,
  data: Float32Array.from({ length: 3 * 16 * 16 }, (_, i) => Math.sin(i)),
};

/** The largest distance, relative to the largest expected value. */
function distance(got: readonly number[] | undefined, expected: Float32Array): number {
  const most = Math.max(...expected.map(Math.abs));
  return Math.max(...Array.from(expected, (value, i) => Math.abs((got?.[i] ?? Number.NaN) - value))) / most;
}

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
    const files = new Map<string, Uint8Array>([["/not-a-model.onnx", new Uint8Array(100)]]);
    for (const file of ["config.json", "model.safetensors"])
      files.set(`/${file}`, await readFile(join(checkpoint, file)));
    for (const { name, path, image } of models) {
      files.set(`/${name}.onnx`, await readFile(path));
      files.set(`/${name}.f32`, new Uint8Array(image.data.buffer));
    }
    files.set("/checkpoint.f32", new Uint8Array(small.data.buffer));
    site = await serveFolder(folder, files);
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

  /** Explains in the page, and counts the ticks of a timer there meanwhile. */
  function explainInPage(model: string, image: (typeof models)[number], threads: number) {
    const { channels, height, width } = image.image;
    const tensor = { url: `${image.name}.f32`, channels, height, width };
    return page.evaluate(
      async ([model, tensor, methods, threads]) => {
        let ticks = 0;
        const timer = setInterval(() => ticks++, 1);
        const explanation = await window.vitreous.explain(model, tensor, methods, { threads });
        clearInterval(timer);
        return { ...explanation, ticks };
      },
      [model, tensor, methods, threads] as const,
    );
  }

  it.each(models.flatMap((model) => [1, 2].map((threads) => [model.name, threads, model] as const)))(
    "explains %s with %i threads as Node does",
    async (name, threads, model) => {
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
      const got = await explainInPage(`${name}.onnx`, model, threads);

      const onNode = await openModel(model.path);
      const image = await onNode.fromTensor(model.image, name);
      const expected = await onNode.explain(image, methods.map(methodFromSpec));
      await onNode.close();

      expect(distance(got.logits, expected.logits)).toBeLessThanOrEqual(1e-4);
      expect(got.maps.map(({ method, grid }) => ({ method, grid }))).toEqual(
        expected.maps.map(({ method, grid }) => ({ method, grid })),
      );
      for (const [m, map] of expected.maps.entries()) {
        expect(distance(got.maps[m]?.values, map.values), map.method).toBeLessThanOrEqual(1e-4);
      }
      expect(got.ticks, "the page stays responsive").toBeGreaterThan(5);
    },
  );

  it("explains a checkpoint as Node does", async () => {
    const got = await page.evaluate(
      async ([url, methods]) =>
        window.vitreous.explain(
          { weights: "model.safetensors", config: "config.json" },
          { url, channels: 3, height: 16, width: 16 },
          methods,
          { threads: 1 },
        ),
      ["checkpoint.f32", methods] as const,
    );
    const onNode = await openModel(checkpoint);
    const expected = await onNode.explain(
      await onNode.fromTensor(small, "small"),
      methods.map(methodFromSpec),
    );
    await onNode.close();
    expect(distance(got.logits, expected.logits)).toBeLessThanOrEqual(1e-4);
    for (const [m, map] of expected.maps.entries()) {
      expect(distance(got.maps[m]?.values, map.values), map.method).toBeLessThanOrEqual(1e-4);
    }
  });

  it("says what is wrong with a file that is no model", async () => {
    const [vit] = models;
    if (vit === undefined) throw new Error("no model");
    await expect(explainInPage("not-a-model.onnx", vit, 1)).rejects.toThrow(
      /VitreousError: .*not-a-model\.onnx|ONNX/,
    );
  });

  it("reports nothing on the console", () => {
    expect(errors).toEqual([]);
  });
});

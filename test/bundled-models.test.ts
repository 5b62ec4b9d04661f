/** @file The bundled medical models are what their cards say: they open as they lie there, and know cells from cells. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { gradCam, openModel } from "../src/index.js";

const MODELS = fileURLToPath(new URL("../assets/models", import.meta.url));
const IMAGES = fileURLToPath(new URL("../assets/images", import.meta.url));
const names = readdirSync(MODELS).filter((name) => /^(pbc|busi)-/.test(name));

describe("The bundled models", () => {
  it("take 48 MB at most together", () => {
    const bytes = names.map((name) => statSync(join(MODELS, name, "model.safetensors")).size);
    expect(bytes.length).toBeGreaterThan(0);
    expect(bytes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(48e6);
  });

  it.each(names)("have a card with the scores of their record: %s", (name) => {
    const card = readFileSync(join(MODELS, name, "README.md"), "utf8");
    const { test } = JSON.parse(readFileSync(join(MODELS, name, "training.json"), "utf8"));
    expect(card).toContain(`| accuracy | ${(100 * test.accuracy.value).toFixed(1)} % [`);
    expect(card).toContain(`${test.images} test images`);
    expect(card).toContain("Not for clinical use");
  });

  it.each(names)("open without a warning and know the bundled images: %s", async (name) => {
    const model = await openModel(join(MODELS, name), { threads: 1 });
    expect(model.warnings).toEqual([]);
    const folder = join(IMAGES, name.split("-", 1)[0] ?? "");
    let right = 0;
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((f) =>
      /\.(jpg|png)$/.test(f),
    );
    for (const file of files) {
      const { predictions } = await model.explain(await model.read(join(folder, file)), [gradCam()]);
      if (predictions[0]?.label === file.split(/[\\/]/, 1)[0]) right++;
    }
    await model.close();
    expect(right).toBeGreaterThanOrEqual(files.length - 1);
  });
});

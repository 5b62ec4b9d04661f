/** @file The bundled medical models are what their cards say: they open as they lie there, and say what transformers says. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openModel } from "../src/index.js";
import { relativeError } from "./compare.js";

const MODELS = fileURLToPath(new URL("../assets/models", import.meta.url));
const IMAGES = fileURLToPath(new URL("../assets/images", import.meta.url));
const golden: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = JSON.parse(
  readFileSync(fileURLToPath(new URL("./fixtures/bundled-models.json", import.meta.url)), "utf8"),
);
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

  it.each(names)(
    "open without a warning and say of the bundled images what transformers says: %s",
    async (name) => {
      const wanted = Object.entries(golden[name] ?? {});
      expect(wanted.length).toBeGreaterThan(10);
      const model = await openModel(join(MODELS, name), { threads: 1 });
      try {
        expect(model.warnings).toEqual([]);
        for (const [file, logits] of wanted) {
          const found = await model.explain(await model.read(join(IMAGES, file)), []);
          expect(relativeError(found.logits, logits), file).toBeLessThanOrEqual(1e-4);
          expect(found.predictions[0]?.index, file).toBe(logits.indexOf(Math.max(...logits)));
        }
      } finally {
        await model.close();
      }
    },
  );

  it("are right about the bundled images as often as their cards let expect", () => {
    for (const name of names) {
      const { test, classes } = JSON.parse(readFileSync(join(MODELS, name, "training.json"), "utf8"));
      const right = Object.entries(golden[name] ?? {}).map(
        ([file, logits]) => file.split("/")[1] === classes[logits.indexOf(Math.max(...logits))],
      );
      const share = right.filter(Boolean).length / right.length;
      // Three standard errors of so few images.
      const { value } = test.accuracy;
      expect(share, name).toBeGreaterThanOrEqual(value - 3 * Math.sqrt((value * (1 - value)) / right.length));
    }
  });
});

/**
 * @file The real ViT-Tiny on photographs and blood cells, from the same JPEG files as timm with Pillow
 * (test/oracle/photographs.py): decoding, resizing, normalising and the model together.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openModel } from "../src/api/node/open.js";
import { relativeError } from "./compare.js";
import { readGolden } from "./corpus.js";

const repository = fileURLToPath(new URL("..", import.meta.url));
const fixtures = `${repository}/test/fixtures/photographs`;

const pictures: readonly { readonly image: string; readonly top: string }[] = JSON.parse(
  readFileSync(`${fixtures}/golden.json`, "utf8"),
);
const golden = readGolden(`${fixtures}/golden.safetensors`);

const MODELS: readonly [name: string, folder: string, logits: string][] = [
  ["the bundled ViT-Tiny", `${repository}/assets/models/vit_tiny_patch16_224`, "fp16.logits"],
  ["the published ViT-Tiny", `${repository}/../shared/data/weights/vit_tiny_patch16_224`, "fp32.logits"],
];

describe("from a JPEG file to its class", () => {
  for (const [name, folder, logits] of MODELS) {
    if (!existsSync(folder)) process.stderr.write(`${folder} is absent: ${name} is not tested.\n`);
    it.skipIf(!existsSync(folder))(`${name} says what timm says`, async () => {
      const model = await openModel(folder);
      try {
        const all = golden.get(logits)?.data ?? new Float32Array(0);
        for (const [i, { image, top }] of pictures.entries()) {
          const want = all.subarray(i * 1000, (i + 1) * 1000);
          const found = await model.explain(await model.read(`${repository}/${image}`), []);
          expect(relativeError(found.logits, want), image).toBeLessThanOrEqual(1e-4);
          const [first] = found.predictions;
          expect(first?.index, image).toBe(want.indexOf(Math.max(...want)));
          if (logits.startsWith("fp16")) expect(first?.label, image).toBe(top);
        }
      } finally {
        await model.close();
      }
    });
  }
});

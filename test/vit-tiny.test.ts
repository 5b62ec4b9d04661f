/**
 * @file The bundled ViT-Tiny, from checkpoint to maps, against timm with PyTorch's autograd on the same weights
 * (test/oracle/bundled_model.py): a model of real size, through the library as its user calls it.
 */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Explanation, gradCam, gradientRollout, type OpenedModel, openModel } from "../src/index.js";
import { readGolden } from "./corpus.js";
import { syntheticInput } from "./synthetic.js";

const repository = fileURLToPath(new URL("..", import.meta.url));
const results = readGolden(`${repository}/test/fixtures/vit_tiny/golden.safetensors`);

/** The part of a golden tensor that belongs to an image. */
function expected(name: string, image: number): ArrayLike<number> {
  const tensor = results.get(`fp16.${name}`);
  if (tensor === undefined) throw new Error(`no golden ${name}`);
  const size = tensor.data.length / (tensor.dims[0] ?? 1);
  return tensor.data.subarray(image * size, (image + 1) * size);
}

/** max |a − b| / max |b| */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  const difference = Math.max(...Array.from(b, (v, i) => Math.abs((a[i] ?? Number.NaN) - v)));
  return difference / Math.max(...Array.from(b, Math.abs));
}

describe("the bundled ViT-Tiny", () => {
  let model: OpenedModel & { close(): Promise<void> };
  const explanations: Explanation[] = [];
  beforeAll(async () => {
    model = await openModel(`${repository}/assets/models/vit_tiny_patch16_224`);
    const images = [1, 2].map((seed) => ({
      name: `synthetic ${seed}`,
      tensor: { data: syntheticInput(seed), channels: 3, height: 224, width: 224 },
    }));
    const methods = [gradCam(), gradientRollout({ discard: 0.9 }), gradientRollout({ discard: 0 })];
    for await (const explanation of model.explainAll(images, methods)) explanations.push(explanation);
  });
  afterAll(() => model.close());

  it.each([0, 1])("is explained as by PyTorch on image %i", (image) => {
    const found = explanations[image];
    const map = (index: number) => found?.maps[index]?.values ?? [];
    expect(distance(found?.logits ?? [], expected("logits", image))).toBeLessThan(1e-5);
    expect(distance(map(0), expected("gradcam.top", image))).toBeLessThan(1e-4);
    expect(distance(map(1), expected("rollout.discard0.9", image))).toBeLessThan(1e-3);
    expect(distance(map(2), expected("rollout.discard0.0", image))).toBeLessThan(1e-3);
  });

  it("names the classes it predicts", () => {
    const labels = explanations.map((e) => e.predictions[0]?.label);
    expect(labels).toEqual(["shower curtain", "ant"]);
  });
});

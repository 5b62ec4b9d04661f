/**
 * @file Checkpoints, opened as their users would, beside what the libraries they come from compute with them: logits,
 * raw Grad-CAM and rollouts, and what the anatomy finds in graphs that were built without telling it.
 */
import { describe, expect, it } from "vitest";
import type { NodeModel } from "../src/api/node/node-model.js";
import { openModel } from "../src/api/node/open.js";
import type { Explanation } from "../src/api/types.js";
import { gradCam } from "../src/explain/grad-cam.js";
import { gradientRollout } from "../src/explain/gradient-rollout.js";
import type { Method } from "../src/explain/method.js";
import { type CheckpointCase, checkpointCases, corpusCheckpoints } from "./checkpoint-cases.js";
import { joined, relativeError } from "./compare.js";
import type { GoldenTensor } from "./corpus.js";

const TOLERANCE = { logits: 1e-5, cam: 1e-4, rollout: 1e-3 };

const METHODS: Readonly<Record<string, Method>> = {
  "gradcam.top": gradCam(),
  "rollout.discard0.9": gradientRollout(),
  "rollout.discard0.0": gradientRollout({ discard: 0 }),
  rollout: gradientRollout({ discard: 0 }),
};

async function withModel(
  { path, arch, imageSize }: Pick<CheckpointCase, "path" | "arch" | "imageSize">,
  check: (model: NodeModel) => Promise<void>,
): Promise<void> {
  const model = await openModel(path, { threads: 1, ...(arch && { arch }), ...(imageSize && { imageSize }) });
  try {
    await check(model);
  } finally {
    await model.close();
  }
}

/** Logits and maps of the golden input's images. */
async function explained(model: NodeModel, input: GoldenTensor, methods: readonly Method[]) {
  const [count = 0, channels = 0, height = 0, width = 0] = input.dims;
  const size = channels * height * width;
  const images = await Promise.all(
    Array.from({ length: count }, (_, i) => {
      const data = Float32Array.from(input.data.subarray(i * size, (i + 1) * size));
      return model.fromTensor({ data, channels, height, width }, `image ${i}`);
    }),
  );
  const all: Explanation[] = [];
  for await (const e of model.explainAll(images, methods, { target: "top" })) all.push(e);
  return {
    logits: joined(all.map((e) => e.logits)),
    maps: methods.map((_, m) => joined(all.map((e) => e.maps[m]?.values ?? []))),
  };
}

function tensor(golden: ReadonlyMap<string, GoldenTensor>, name: string): GoldenTensor {
  const found = golden.get(name);
  if (found === undefined) throw new Error(`no golden tensor "${name}"`);
  return found;
}

async function expectEqual(opened: NodeModel, wanted: CheckpointCase): Promise<void> {
  const golden = wanted.golden();
  const { anatomy } = opened;
  expect(anatomy.image).toEqual(wanted.image);
  const names = wanted.classes === undefined ? [] : Object.keys(METHODS).filter((name) => golden.has(name));
  const methods = names.flatMap((name) => METHODS[name] ?? []);
  const { logits, maps } = await explained(opened, tensor(golden, "input"), methods);
  expect(relativeError(logits, tensor(golden, "logits").data)).toBeLessThanOrEqual(TOLERANCE.logits);
  if (wanted.classes === undefined) return;
  expect({ family: anatomy.family, blocks: anatomy.blocks.length }).toEqual({
    family: wanted.family,
    blocks: wanted.blocks,
  });
  expect(anatomy.prefixTokens).toBe(wanted.prefixTokens);
  names.forEach((name, m) => {
    const limit = name.startsWith("gradcam") ? TOLERANCE.cam : TOLERANCE.rollout;
    expect(relativeError(maps[m] ?? [], tensor(golden, name).data), name).toBeLessThanOrEqual(limit);
  });
}

describe("a checkpoint, opened as its user would", () => {
  it.each(checkpointCases().map((c) => [c.name, c] as const))("%s", async (_name, wanted) => {
    await withModel(wanted, (opened) => expectEqual(opened, wanted));
  });
});

describe("the corpus's checkpoints", () => {
  // Goldens of Swin with padded, shifted windows may be of other windows than the model's; explain.test.ts knows them.
  const comparable = (c: CheckpointCase) => (c.family === "swin" ? { ...c, classes: undefined } : c);
  it.each(corpusCheckpoints().map((c) => [c.name, c] as const))("%s", async (_name, wanted) => {
    await withModel(wanted, async (opened) => {
      await expectEqual(opened, comparable(wanted));
      const input = tensor(wanted.golden(), "input");
      const ours = await explained(opened, input, [gradCam()]);
      for (const path of wanted.onnx.slice(0, 2)) {
        await withModel({ path, arch: undefined, imageSize: undefined }, async (exported) => {
          const theirs = await explained(exported, input, [gradCam()]);
          expect(relativeError(ours.logits, theirs.logits), path).toBeLessThanOrEqual(TOLERANCE.logits);
          expect(relativeError(ours.maps[0] ?? [], theirs.maps[0] ?? []), path).toBeLessThanOrEqual(
            TOLERANCE.cam,
          );
        });
      }
    });
  });
});

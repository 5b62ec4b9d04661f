import { describe, expect, it } from "vitest";
import { checkpointCases } from "../../../test/checkpoint-cases.js";
import { relativeError } from "../../../test/compare.js";
import { parseSpec } from "../../spec.js";
import { buildModel } from "../index.js";
import { describeCheckpoint } from "../node/open.js";
import type { StoredTensors } from "../stored-tensor.js";
import { runOnWaves } from "../testing/run.js";
import type { TimmDescription } from "./config.js";
import { asTimm } from "./retarget.js";

const cases = checkpointCases();
const labels = ["a", "b", "c"];

async function withTimm(
  name: string,
  use: (description: TimmDescription, tensors: StoredTensors) => Promise<void>,
): Promise<void> {
  const found = cases.find((c) => c.name === name);
  if (found === undefined) throw new Error(`no checkpoint ${name}`);
  const arch = found.arch === undefined ? undefined : parseSpec(found.arch);
  const { description, tensors, close } = await describeCheckpoint(found.path, arch);
  try {
    if (description.library !== "timm") throw new Error("not timm's");
    await use(description, tensors);
  } finally {
    await close();
  }
}

describe("a checkpoint of timm for other classes", () => {
  it.each([
    ["timm-vit-tiny-patch16-224-mean-pooling-with-fc-norm", ["head"]],
    ["timm-vit-small-patch16-224-dino-no-classifier", ["head"]],
    ["timm-deit-tiny-distilled-patch16-224-two-heads", ["head", "head_dist"]],
    ["timm-swin-tiny-patch4-window7-224-new-names", ["head.fc"]],
    ["timm-swin-tiny-patch4-window7-224-old-names-in-pth", ["head"]],
    ["timm-beit-base-patch16-224-relative-positions", ["head"]],
    ["timm-vit-small-patch16-dinov3-rotary", ["head"]],
  ])("%s gets new classifiers: %s", (name, heads) =>
    withTimm(name, async (description, tensors) => {
      const target = asTimm(description, tensors, { seed: 1, labels });
      expect(heads.map((head) => target.tensors.get(`${head}.weight`)?.dims[0])).toEqual(heads.map(() => 3));
      const { model } = await buildModel(target.description, target.tensors);
      expect(model.graph.outputs[0]?.shape?.[1]).toBe(3);
      expect(model.metadata.get("vitreous.labels")).toBe(JSON.stringify(labels));
    }),
  );

  it("keeps its positions for another image size, behind the rows of tokens", () =>
    withTimm("timm-vit-tiny-patch16-224-qk-norm-and-layerscale", async (description, tensors) => {
      const target = asTimm(description, tensors, { seed: 1, labels, image: [24, 32] });
      expect(target.tensors.get("pos_embed")?.dims).toEqual([1, 1 + 6 * 8, 12]);
      const { model, notes } = await buildModel(target.description, target.tensors);
      expect(model.graph.inputs[0]?.shape?.slice(2)).toEqual([24, 32]);
      expect(notes.join()).not.toMatch(/interpolated/);
    }));

  it.each([
    ["timm-swin-tiny-patch4-window7-224-new-names", [6, 10]],
    ["timm-swin-tiny-patch4-window7-224-new-names", [24, 20]],
    ["timm-swinv2-tiny-window8-256-float16-clamped-logit-scale", [20, 24]],
  ] as const)("lays the windows of %s over images of %s as timm does when it loads it", (name, image) =>
    withTimm(name, async (description, tensors) => {
      const target = asTimm(description, tensors, { seed: 1, image });
      const before = await runOnWaves((await buildModel(description, tensors, { image })).model);
      const after = await runOnWaves((await buildModel(target.description, target.tensors)).model);
      expect(relativeError(after, before)).toBeLessThanOrEqual(1e-6);
    }),
  );

  it("leaves out layers that the name stands for, and refuses others, since timm cannot read them", () =>
    withTimm("timm-vit-giant-patch14-reg4-dinov2-swiglu", async (description, tensors) => {
      const args = { ...description.args, mlp_layer: "SwiGLUPacked" };
      const target = asTimm({ ...description, args }, tensors, { seed: 1, labels });
      expect(target.description.args).not.toHaveProperty("mlp_layer");
      const other = { ...description, args, architecture: "vit_giant_patch14_224", pool: "token" };
      expect(() =>
        asTimm(
          {
            ...other,
            args: { ...args, reg_tokens: 4, no_embed_class: true, init_values: 1, act_layer: "silu" },
          },
          tensors,
          { seed: 1, labels },
        ),
      ).toThrow(/vit_giant_patch14_224 with mlp_layer SwiGLUPacked cannot be saved/);
    }));

  it("is refused at another size where positions are no table of its patches", () =>
    withTimm("timm-beit-base-patch16-224-relative-positions", async (description, tensors) => {
      expect(() => asTimm(description, tensors, { seed: 1, labels, image: [32, 32] })).toThrow(
        /beit_base_patch16_224 cannot be trained on images of 32×32: its positions are kept for 16×16/,
      );
    }));
});

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { buildModel, readConfig } from "../models/index.js";
import { openTensors } from "../models/node/tensors.js";
import { type Trainable, trainable } from "../models/trainable.js";
import { firstBlocks } from "./first-blocks.js";

async function started(name: string): Promise<{ model: Trainable; close: () => Promise<void> }> {
  const folder = fileURLToPath(
    new URL(`../../test/fixtures/checkpoints/${name}/checkpoint`, import.meta.url),
  );
  const { tensors, close } = await openTensors(folder);
  const description = readConfig(JSON.parse(readFileSync(`${folder}/config.json`, "utf8")));
  return { model: trainable(description, tensors, { labels: ["a", "b"], seed: 0 }), close };
}

describe("The first blocks of a model", () => {
  it.each([
    "transformers-vitforimageclassification-plain",
    "timm-vit-tiny-patch16-224-class-token",
    "timm-beit-base-patch16-224-relative-positions",
    "timm-vit-small-patch16-dinov3-rotary",
  ])("make a model with the same stem and head: %s", async (name) => {
    const { model, close } = await started(name);
    const first = firstBlocks(model, 1);
    const gone = [...model.tensors.keys()].filter((tensor) => !first.tensors.has(tensor));
    expect(gone.length).toBeGreaterThan(8);
    for (const tensor of gone) expect(tensor).toMatch(/(layer|layers|blocks)\.[1-9]\d*\./);
    expect(first.notes.at(-1)).toMatch(/only the first 1 of \d+ blocks are kept/);
    const whole = await buildModel(model.description, model.tensors);
    const built = await buildModel(first.description, first.tensors);
    expect(built.model.graph.nodes.length).toBeLessThan(whole.model.graph.nodes.length);
    await close();
  });

  it("are the model itself where all are wanted", async () => {
    const { model, close } = await started("transformers-vitforimageclassification-plain");
    expect(firstBlocks(model, 2)).toBe(model);
    await close();
  });

  it("cannot be more than there are, nor be taken from a model with stages", async () => {
    const vit = await started("transformers-vitforimageclassification-plain");
    expect(() => firstBlocks(vit.model, 3)).toThrow(/has 2 blocks, not 3/);
    const swin = await started("transformers-swinforimageclassification-plain");
    expect(() => firstBlocks(swin.model, 1)).toThrow(/stages of different widths/);
    await vit.close();
    await swin.close();
  });
});

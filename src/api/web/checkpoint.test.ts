import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openCheckpoint } from "../../models/node/open.js";
import { joinPieces, writeModel } from "../../onnx/write.js";
import { parseSpec } from "../../spec.js";
import { readWebCheckpoint } from "./checkpoint.js";

const fixtures = fileURLToPath(new URL("../../../test/fixtures/checkpoints", import.meta.url));
const folder = join(fixtures, "timm-beit-base-patch16-224-relative-positions", "checkpoint");
const weights = new Uint8Array(readFileSync(join(folder, "model.safetensors")));
const config = readFileSync(join(folder, "config.json"), "utf8");
const named = { name: "weights" };

const written = (model: Parameters<typeof writeModel>[0]) => Buffer.from(joinPieces(writeModel(model)));

describe("a checkpoint's bytes in a page", () => {
  it("become the model that the folder becomes in Node, the configuration as text or parsed", async () => {
    const expected = written((await openCheckpoint(folder)).model);
    for (const given of [config, JSON.parse(config)]) {
      const { model, beside } = await readWebCheckpoint({ weights, config: given }, named);
      expect(written(model).equals(expected)).toBe(true);
      expect(beside.map((file) => file.name)).toEqual(["config.json"]);
    }
  });

  it("are recognised without a configuration, and what was inferred is told", async () => {
    const arch = "beitv2_base_patch16_224";
    const { model, notes } = await readWebCheckpoint({ weights, arch }, named);
    const expected = await openCheckpoint(join(folder, "model.safetensors"), { arch: parseSpec(arch) });
    expect(written(model).equals(written(expected.model))).toBe(true);
    expect(notes[0]).toMatch(/^inferred: .*num_heads 3/);
  });

  it("are built for the image size that is asked for", async () => {
    const { model } = await readWebCheckpoint({ weights, config }, { ...named, imageSize: [24, 24] });
    expect(model.graph.inputs[0]?.shape?.slice(2)).toEqual([24, 24]);
  });

  it("that are damaged, unknown or badly described are refused by name", async () => {
    const read = (checkpoint: Parameters<typeof readWebCheckpoint>[0]) =>
      readWebCheckpoint(checkpoint, named);
    await expect(read({ weights: weights.subarray(0, 50), config })).rejects.toThrow(/weights/);
    await expect(read({ weights, arch: "vit_tiny_patch16_224" })).rejects.toThrow(/weights: .*timm's BEiT/);
    await expect(read({ weights, config: "{" })).rejects.toThrow(/config\.json is no JSON/);
  });
});

import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { corpus } from "../../test/corpus.js";
import { readModelFile } from "../onnx/node/read-file.js";
import { prepare } from "../onnx/prepare.js";
import { describeInspection, inspectAnatomy } from "./describe.js";
import { readAnatomy } from "./read.js";

const EXTRAS = { batch: "dynamic", differentiable: true, methods: ["grad-cam"] } as const;

async function inspect(path: string) {
  const { model } = await readModelFile(path);
  return inspectAnatomy(readAnatomy(prepare(model)), EXTRAS);
}

function pathOf(name: string): string {
  const found = corpus().find((m) => m.folder.endsWith(name))?.exports[0]?.path;
  if (found === undefined) throw new Error(`no fixture ${name}`);
  return found;
}

describe("inspect", () => {
  it("says of a Swin where its windows lie", async () => {
    const inspection = await inspect(pathOf("models/swin_pad"));
    expect(inspection).toMatchObject({
      family: "swin",
      head: "mean",
      batch: "dynamic",
      differentiable: true,
      methods: ["grad-cam"],
    });
    for (const block of inspection.blocks) {
      expect(block).toMatchObject({
        window: expect.any(Array),
        shift: expect.any(Array),
        grid: expect.any(Array),
      });
    }
    expect(inspection.why).toBeUndefined();
    expect(describeInspection(inspection).join("\n")).toMatch(/windows of \d×\d shifted by \d×\d on \d+×\d+/);
  });

  it("gives a ViT's blocks no windows, and the input's shape with N for the batch", async () => {
    const inspection = await inspect(pathOf("models/vit"));
    expect(inspection.input).toMatchObject({ layout: "NCHW", shape: ["N", 3, ...inspection.image] });
    expect(Object.keys(inspection.blocks[0] ?? {})).toEqual(["attention", "heads", "tokens"]);
    const lines = describeInspection(inspection);
    expect(lines[0]).toMatch(/Vision transformer/);
    expect(lines.join("\n")).toMatch(/behind 1 prefix token$/m);
  });

  it("puts channels last where the model has them last", async () => {
    const { input, image } = await inspect(pathOf("models/vit_nhwc"));
    expect(input).toMatchObject({ layout: "NHWC", shape: ["N", ...image, 3], preprocessing: "inside" });
  });

  it("carries reasons and notes into the JSON and the lines", async () => {
    const path = fileURLToPath(new URL("../../test/fixtures/anatomy/column_order.onnx", import.meta.url));
    const { model } = await readModelFile(path);
    const inspection = inspectAnatomy(readAnatomy(prepare(model)), {
      ...EXTRAS,
      methods: [],
      why: ["One more reason."],
    });
    expect(inspection.why).toContain("One more reason.");
    const text = describeInspection(inspection).join("\n");
    expect(text).toMatch(/Not recognised.*why {6}One more reason\./s);
    expect(text).toMatch(/methods {2}none/);
  });
});

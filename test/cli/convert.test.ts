/** @file `vitreous convert`: what it writes is the same model, says how its images are prepared, and is whole or not there. */
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { REPOSITORY } from "./built.js";
import { complaints, expectNothingHalf, expectOneClearLine, SWIN, VIT, workplace } from "./command.js";
import { explainJson } from "./contract.js";

const at = workplace();
const CHECKPOINT = join(REPOSITORY, "assets", "models", "vit_tiny_patch16_224");

const inspected = z.looseObject({
  labels: z.array(z.string()),
  preprocessing: z.looseObject({ source: z.string(), mean: z.array(z.number()) }),
});

describe("convert", () => {
  it("writes a checkpoint as an .onnx file that gives the same maps with nothing beside it", async () => {
    const converted = await at.run("convert", CHECKPOINT, "-o", "new/folder/vit.onnx");
    expect(complaints(converted)).toEqual([]);
    expect(converted.stdout).toMatch(
      /^new\/folder\/vit\.onnx: 22\.\d MB, opset 20, pixel_values \[N, 3, 224, 224\] → logits \[N, 1000\]\n$/,
    );
    const picture = await at.picture("a.png", 300, 260);
    const maps = async (model: string, out: string) => {
      const { status, stderr } = await at.run(
        "explain",
        model,
        picture,
        "--method",
        "grad-cam",
        "--out",
        out,
      );
      expect(status, stderr).toBe(0);
      expect(stderr).not.toMatch(/warning/);
      return at.json(explainJson, out, "explain.json").images[0];
    };
    const [before, after] = [await maps(CHECKPOINT, "before"), await maps("new/folder/vit.onnx", "after")];
    expect(after?.predictions).toEqual(before?.predictions);
    expect(after?.logits).toEqual(before?.logits);
    expect(after?.maps[0]?.values).toEqual(before?.maps[0]?.values);
  });

  it("keeps labels and preprocessing that the user gives, without the folders of the machine", async () => {
    const { status, stdout } = await at.run(
      ...["convert", VIT, "-o", "named.onnx", "--json", "--labels"],
      join(REPOSITORY, "test", "fixtures", "cli", "six-labels.txt"),
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      file: "named.onnx",
      opset: 17,
      family: "vit",
      image: [32, 32],
    });
    const { labels, preprocessing } = inspected.parse(
      JSON.parse((await at.run("inspect", "named.onnx", "--json")).stdout),
    );
    expect(labels).toEqual(["one", "two", "three", "four", "five", "six"]);
    expect(preprocessing.source).not.toContain("/");
  });

  it("still says that preprocessing was a guess when the converted file is opened", async () => {
    expect((await at.run("convert", SWIN, "-o", "guess.onnx")).stderr).toMatch(/^warning: nothing says how/);
    expect((await at.run("inspect", "guess.onnx")).stderr).toMatch(/^warning: nothing says how/);
  });

  it("refuses to write over the model, into a folder's name, or without a name", async () => {
    mkdirSync(at.path("folder"));
    await at.run("convert", VIT, "-o", "own.onnx");
    const size = statSync(at.path("own.onnx")).size;
    const [itself, folder, nameless, under] = [
      await at.run("convert", "own.onnx", "-o", "own.onnx"),
      await at.run("convert", VIT, "-o", "folder"),
      await at.run("convert", VIT),
      await at.run("convert", VIT, "-o", "own.onnx/below.onnx"),
    ];
    expectOneClearLine(itself, /own\.onnx is the model itself/);
    expectOneClearLine(folder, /folder is a folder/);
    expectOneClearLine(nameless, /--output/);
    expectOneClearLine(under, /a file is in the way/);
    expect([itself, folder, nameless, under].map((r) => r.status)).toEqual([1, 1, 2, 1]);
    expect(statSync(at.path("own.onnx")).size).toBe(size);
    expectNothingHalf(at.files());
  });
});

/** @file A wrong command line: status 2, one line that says what is wrong, nothing written. And what help there is. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { REPOSITORY } from "./built.js";
import { expectOneClearLine, QUANTISED, RESNET, VIT, workplace } from "./command.js";

const at = workplace();

describe("a wrong command line", () => {
  it.each([
    { line: "frobnicate", says: /frobnicate/ },
    { line: "inspect", says: /model/ },
    { line: "inspect a b", says: /too many/ },
    { line: "explain m.onnx a.png", says: /--out/ },
    { line: "explain m.onnx --out o", says: /images/ },
    { line: "explain m.onnx a.png --out o --methd grad-cam", says: /--method/ },
    { line: "explain m.onnx a.png --out o --method gradcam", says: /"gradcam".*grad-cam, gradient-rollout/ },
    { line: "explain m.onnx a.png --out o --method grad-cam:depth=3", says: /depth.*layer/ },
    { line: "explain m.onnx a.png --out o --method gradient-rollout:discard=2", says: /from 0 to 1/ },
    { line: "explain m.onnx a.png --out o --format png,gif", says: /gif.*png, npy, json/ },
    { line: "explain m.onnx a.png --out o --threads 0", says: /whole number from 1/ },
    { line: "explain m.onnx a.png --out o --batch many", says: /whole number from 1/ },
    { line: "explain m.onnx a.png --out o --device gpu", says: /cpu, cuda/ },
    { line: "explain m.onnx a.png --out o --image-size 224", says: /224x224/ },
    { line: "evaluate m.onnx a.png --out o", says: /--method.*--maps.*--controls/ },
    { line: "evaluate m.onnx a.png --out o --method grad-cam --metric road", says: /insertion, deletion/ },
    { line: "evaluate m.onnx a.png --out o --method grad-cam --metric deletion:step=0", says: /step/ },
    { line: "evaluate m.onnx a.png --out o --method grad-cam --seed -1", says: /whole number from 0/ },
  ])("$line", async ({ line, says }) => {
    const result = await at.run(...line.split(" "));
    expectOneClearLine(result, /^vitreous: /, says);
    expect(result).toMatchObject({ status: 2, stdout: "" });
  });

  it("is also a class that the model has not", async () => {
    const image = await at.picture("a.png");
    for (const name of ["17", "dog", "1-1"]) {
      const result = await at.run("explain", VIT, image, "--class", name, "--out", "never");
      expectOneClearLine(result, name === "1-1" ? /against itself/ : /6 classes, 0 to 5/);
      expect(result.status).toBe(2);
    }
    expect(at.files()).toEqual(["a.png"]);
  });

  it("shows help on standard error when nothing is asked", async () => {
    const { status, stdout, stderr } = await at.run();
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/Usage: vitreous/);
  });
});

describe("help", () => {
  it.each(["inspect", "explain", "evaluate", "convert", "finetune", "pretrain", "study", "report"])(
    "of %s names the arguments and shows examples",
    async (command) => {
      const { status, stdout, stderr } = await at.run(command, "--help");
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toMatch(new RegExp(`Usage: vitreous ${command}`));
      expect(stdout).toMatch(new RegExp(`Examples:\n {2}vitreous ${command} `));
    },
  );

  it("comes with the version", async () => {
    const { version } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8"));
    expect(await at.run("--version")).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
    expect((await at.run("--help")).stdout).toMatch(/inspect[\s\S]*explain[\s\S]*evaluate[\s\S]*Examples:/);
  });
});

describe("methods that do not work on a model", () => {
  it("are refused with the reason, status 1, before anything is written", async () => {
    const image = await at.picture("a.png");
    const convolutional = await at.run("explain", RESNET, image, "--method", "grad-cam", "--out", "never");
    expectOneClearLine(convolutional, /resnet\.onnx/, /looks like a convolutional network/);
    const rounded = await at.run(
      "explain",
      QUANTISED,
      image,
      "--method",
      "gradient-rollout",
      "--out",
      "never",
    );
    expectOneClearLine(rounded, /quantised/, /use the float model/);
    const layer = await at.run("explain", VIT, image, "--method", "grad-cam:layer=stem", "--out", "never");
    expectOneClearLine(layer, /no layer "stem"/, /blocks\.0\.norm1/);
    const dead = await at.run("explain", VIT, image, "--method", "grad-cam:layer=norm", "--out", "never");
    expectOneClearLine(dead, /norm/);
    expect([convolutional, rounded, layer, dead].map((r) => r.status)).toEqual([1, 1, 1, 1]);
    expect(at.files()).toEqual(["a.png"]);
  });
});

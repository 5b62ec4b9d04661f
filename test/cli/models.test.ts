/** @file Files that are no models, or not such as can be explained: what each is answered. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { expectOneClearLine, fixture, QUANTISED, RESNET, SWIN, VIT, workplace } from "./command.js";
import { inspectJson } from "./contract.js";

const at = workplace();

describe("a file that is no model", () => {
  const whole = readFileSync(VIT);
  it.each([
    { name: "truncated.onnx", content: whole.subarray(0, whole.length / 2), says: /cut short/ },
    { name: "random.onnx", content: randomBytes(5000), says: /not an ONNX model/ },
    { name: "text.onnx", content: "Dear reader,\n", says: /text file/ },
    { name: "empty.onnx", content: "", says: /empty/ },
    {
      name: "weights.pth",
      content: randomBytes(100),
      says: /no checkpoint/,
    },
  ])("$name: status 1, one clear line, nothing written", async ({ name, content, says }) => {
    writeFileSync(at.path(name), content);
    const image = await at.picture("a.png");
    for (const command of [
      ["inspect", name],
      ["explain", name, image, "--out", "never"],
      ["evaluate", name, image, "--method", "grad-cam", "--out", "never"],
    ]) {
      const result = await at.run(...command);
      expectOneClearLine(result, /^vitreous: /, new RegExp(name), says);
      expect(result).toMatchObject({ status: 1, stdout: "" });
    }
    expect(at.files()).not.toContain("never");
  });

  it("or is not there, or is a folder without one", async () => {
    mkdirSync(at.path("folder"));
    const [absent, folder] = [await at.run("inspect", "absent.onnx"), await at.run("inspect", "folder")];
    expectOneClearLine(absent, /absent\.onnx/, /no such file/);
    expectOneClearLine(folder, /folder has no weights/, /model\.safetensors/);
    expect([absent, folder].map((r) => r.status)).toEqual([1, 1]);
  });
});

describe("a model that is no image classifier", () => {
  it("is named as what it is", async () => {
    const segmenter = await at.run("inspect", fixture("cli", "segmenter.onnx"));
    expectOneClearLine(segmenter, /no classifier/, /\[N, 2, 32, 32\]/);
    const text = await at.run("inspect", fixture("cli", "text.onnx"));
    expectOneClearLine(text, /no image/, /input_ids/);
    expect([segmenter.status, text.status]).toEqual([1, 1]);
  });
});

describe("inspect", () => {
  const inspected = async (model: string) => {
    const { status, stdout, stderr } = await at.run("inspect", model, "--json");
    expect(status, stderr).toBe(0);
    return inspectJson.parse(JSON.parse(stdout));
  };

  it("describes a ViT and a Swin as JSON", async () => {
    const vit = await inspected(VIT);
    expect(vit).toMatchObject({ family: "vit", prefixTokens: 1, head: "token", differentiable: true });
    expect(vit.methods).toEqual(["grad-cam", "gradient-rollout", "rollout"]);
    expect(vit.blocks[0]).not.toHaveProperty("window");
    const swin = await inspected(SWIN);
    expect(swin).toMatchObject({ family: "swin", prefixTokens: 0, head: "mean" });
    expect(swin.blocks[1]).toMatchObject({ window: expect.any(Array), shift: expect.any(Array) });
  });

  it("says why methods do not work: no transformer, quantised", async () => {
    const resnet = await inspected(RESNET);
    expect(resnet).toMatchObject({ family: "unknown", differentiable: false, methods: [] });
    expect(resnet.why?.join(" ")).toMatch(/convolutional/);
    const quantised = await inspected(QUANTISED);
    expect(quantised).toMatchObject({ family: "vit", differentiable: false, methods: ["rollout"] });
    expect(quantised.why?.join(" ")).toMatch(/quantised/);
  });

  it("describes them in words, too", async () => {
    const { stdout } = await at.run("inspect", VIT);
    expect(stdout).toMatch(/^Vision transformer.*\n {2}input .*\[N, 3, 32, 32\]/);
    expect(stdout).toMatch(/methods {2}grad-cam, gradient-rollout, rollout/);
    expect(stdout).toMatch(/labels {3}none known/);
  });
});

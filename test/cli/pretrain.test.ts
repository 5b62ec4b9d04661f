/** @file `vitreous pretrain` as its user runs it: what it leaves, what can be done with that, and that nothing that ends it loses anything. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { openModel } from "../../src/api/node/open.js";
import { uniform } from "../../src/random.js";
import { expectOneClearLine, fixture, VIT, workplace } from "./command.js";
import { pretrainingJson, trainingJson } from "./contract.js";
import { endAndGoOn, expectSameTraining } from "./endings.js";

const at = workplace();

/** Pictures of 16×16, 12 wide, two blocks. */
const MODEL = fixture("checkpoints", "transformers-vitforimageclassification-plain", "checkpoint");
const SWIN = fixture("checkpoints", "transformers-swinforimageclassification-plain", "checkpoint");

/** Noise about a shade, brightest at one of two sides. */
async function shades(folder: string, counts: Readonly<Record<string, number>>): Promise<void> {
  const next = uniform(5);
  for (const [label, count] of Object.entries(counts)) {
    for (let i = 0; i < count; i++) {
      const data = Uint8Array.from({ length: 28 * 26 * 3 }, (_, k) => {
        const x = Math.floor(k / 3) % 28;
        const slope = label === "left" ? 27 - x : x;
        return 40 + 5 * slope + 60 * next();
      });
      const path = at.path(folder, ...(label === "" ? [] : [label]), `${label}-${i}.png`);
      await sharp(data, { raw: { width: 28, height: 26, channels: 3 } }).toFile(path);
    }
  }
}

const HEAD = ["--prototypes", "32", "--hidden", "24", "--bottleneck", "12"] as const;
const SETTINGS = ["--batch", "8", "--locals", "2", "--threads", "1", ...HEAD] as const;
const pretrain = (...args: readonly string[]) => at.run("pretrain", MODEL, ...args);
const record = (folder: string) => at.json(pretrainingJson, folder, "training.json");

beforeAll(async () => {
  await shades("pictures", { left: 24, right: 24 });
  await shades("unlabelled", { "": 16 });
});

describe("a model pretrained on pictures whose labels it does not see", () => {
  const args = ["pictures", "--epochs", "3", ...SETTINGS, "--evaluate-every", "2", "--out", "dino"];

  it("says what its features are worth, before, on the way and at the end", async () => {
    const { status, stdout, stderr } = await pretrain(...args);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/k-NN accuracy +\d+\.\d% \[/);
    expect(stderr).toMatch(/before training: validation k-NN \d+/);
    expect(stderr).toMatch(/epoch 2: loss .* k-NN .* linear .*images\/s/);
    const { curve, before, evaluation, classes, splits, images } = record("dino");
    expect(before).toBeDefined();
    expect(curve.map((e) => e.evaluation !== undefined)).toEqual([false, true, true]);
    expect(curve.every((e) => e.train.loss > 0 && e.train.teacherEntropy > 0)).toBe(true);
    expect(curve[0]?.train.steps).toBe(4);
    expect(evaluation?.knn.test.images).toBe(10);
    expect(evaluation?.knn.validation.accuracy.value).toBe(curve[2]?.evaluation?.knn.accuracy);
    expect(evaluation?.linear.tried).toContain(evaluation?.linear.decay);
    expect(classes).toEqual(["left", "right"]);
    expect(images).toBe(splits?.train?.reduce((a, b) => a + b, 0));
  });

  it("leaves a model of transformers without a classifier, its record and its report", async () => {
    expect(at.files("dino")).toEqual([
      "config.json",
      "model.safetensors",
      "preprocessor_config.json",
      "report.html",
      "splits.json",
      "state",
      "state/images.json",
      "state/state.json",
      "training.json",
    ]);
    const config = JSON.parse(readFileSync(at.path("dino", "config.json"), "utf8"));
    expect(config).toMatchObject({ architectures: ["ViTModel"], model_type: "vit", image_size: 16 });
    expect(readFileSync(at.path("dino", "report.html"), "utf8")).not.toMatch(/<script|<link|@import/);
    const model = await openModel(at.path("dino"), { threads: 1 });
    expect(model.warnings).toEqual([]);
    await model.close();
    const [own, trained] = [MODEL, at.path("dino")].map((folder) =>
      readFileSync(`${folder}/model.safetensors`),
    );
    expect(own?.equals(trained ?? Buffer.alloc(0))).toBe(false);
  });

  it("is fine-tuned with the very split whose test images it has not seen", async () => {
    const result = await at.run(
      "finetune",
      at.path("dino"),
      "pictures",
      "--epochs",
      "1",
      "--batch",
      "8",
      "--threads",
      "1",
      "--out",
      "tuned",
    );
    expect(result.status, result.stderr).toBe(0);
    expect(readFileSync(at.path("tuned", "splits.json"), "utf8")).toBe(
      readFileSync(at.path("dino", "splits.json"), "utf8"),
    );
    expect(at.json(trainingJson, "tuned", "training.json").parameters.frozen).toBe(0);
  });

  it("learns from the training images of another run's split, whatever its own seed", async () => {
    const file = at.path("dino", "splits.json");
    const given = ["pictures", "--splits", file, "--seed", "9", "--epochs", "1", ...SETTINGS];
    const { status, stderr } = await pretrain(...given, "--out", "given");
    expect(status, stderr).toBe(0);
    expect(stderr).toContain(`the split is that of ${file}`);
    expect(readFileSync(at.path("given", "splits.json"), "utf8")).toBe(readFileSync(file, "utf8"));
    expect(record("given").images).toBe(record("dino").images);
    const unlabelled = await pretrain("unlabelled", "--splits", file, "--out", "never", "--quiet");
    expect(unlabelled.status).toBe(1);
    expectOneClearLine(unlabelled, /images of the split are not in .*unlabelled/);
  });

  it("is left as it is by the same command, and refused to another", async () => {
    const before = readFileSync(at.path("dino", "training.json"), "utf8");
    const again = await pretrain(...args);
    expect(again).toMatchObject({ status: 0, stdout: "" });
    expect(again.stderr).toMatch(/is finished/);
    const other = await pretrain(...args, "--right-angles");
    expect(other.status).toBe(1);
    expectOneClearLine(other, /crops\.rightAngles was false and is true now/);
    expect(readFileSync(at.path("dino", "training.json"), "utf8")).toBe(before);
  });

  it("may be a Swin, or drawn anew", async () => {
    const swin = await at.run(
      "pretrain",
      SWIN,
      "pictures",
      "--epochs",
      "1",
      ...SETTINGS,
      "--json",
      "--out",
      "swin",
    );
    expect(swin.status, swin.stderr).toBe(0);
    expect(JSON.parse(swin.stdout)).toMatchObject({ out: "swin", epochs: 1, classes: ["left", "right"] });
    const config = JSON.parse(readFileSync(at.path("swin", "config.json"), "utf8"));
    expect(config.architectures).toEqual(["SwinModel"]);
    const drawn = await pretrain("pictures", "--scratch", "--epochs", "1", ...SETTINGS, "--out", "drawn");
    expect(drawn.status, drawn.stderr).toBe(0);
    expect(record("drawn").settings.scratch).toBe(true);
  });
});

describe("images without labels", () => {
  it("are all learnt from, and nothing is said of the features", async () => {
    writeFileSync(at.path("unlabelled", "broken.png"), "no picture");
    const { status, stdout, stderr } = await pretrain(
      "unlabelled",
      "--epochs",
      "2",
      ...SETTINGS,
      "--out",
      "plain",
    );
    expect(status, stderr).toBe(0);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/no labels: all 16 are learnt from/);
    const { images, evaluation, before, setAside, curve } = record("plain");
    expect({ images, evaluation, before }).toEqual({ images: 16, evaluation: undefined, before: undefined });
    expect(setAside.map(({ image }) => image)).toEqual(["broken.png"]);
    expect(curve).toHaveLength(2);
    expect(existsSync(at.path("plain", "splits.json"))).toBe(false);
  });
});

describe("a pretraining that is ended", () => {
  const args = (out: string) => [
    "pretrain",
    MODEL,
    "pictures",
    ...SETTINGS,
    "--epochs",
    "10",
    "--evaluate-every",
    "4",
    "--quiet",
    "--out",
    out,
  ];

  it("goes on to the same bits, however and whenever it was ended", async () => {
    expect((await at.run(...args("whole"))).status).toBe(0);
    await endAndGoOn(at, args("ended"), "ended");
    const files = ["model.safetensors", "config.json", "splits.json", "report.html"];
    expectSameTraining(at, ["ended", "whole"], files);
  });
});

describe("a pretraining that cannot be", () => {
  it.each([
    { line: "--epochs 0", says: /--epochs: must be a whole number, from 1/ },
    { line: "--lr fast", says: /--lr: must be a number/ },
    { line: "--momentum 2", says: /--momentum: must be a number, from 0 to 1/ },
    { line: "--teacher-temperature 0", says: /--teacher-temperature: must be a number/ },
    { line: "--augment wild", says: /--augment takes published, medical or a \.json file/ },
    { line: "--local-size big", says: /height x width/ },
    { line: "--locals -1", says: /--locals/ },
    { line: "--depth 0", says: /--depth: must be a whole number, from 1/ },
    { line: "--splits x.json --val 0.2", says: /leave --val and --test out/ },
  ])("is a usage error: $line", async ({ line, says }) => {
    const result = await pretrain("pictures", "--out", "never", ...line.split(" "));
    expectOneClearLine(result, /^vitreous: /, says);
    expect(result).toMatchObject({ status: 2, stdout: "" });
  });

  it("says why in one line, and leaves nothing", async () => {
    mkdirSync(at.path("empty"));
    const refusals = [
      { args: [MODEL, "empty"], says: /holds no images/ },
      { args: [MODEL, "nowhere"], says: /nowhere does not exist/ },
      { args: [MODEL, "pictures", "--batch", "64"], says: /batch of 64 .* smaller batch/ },
      { args: [MODEL, "pictures", "--val", "0.5", "--test", "0.5"], says: /leaves none to train on/ },
      { args: [MODEL, "pictures", ...SETTINGS, "--local-size", "3x3"], says: /smaller than a patch/ },
      {
        args: [MODEL, "pictures", ...SETTINGS, "--local-size", "5000x5000"],
        says: /5000×5000 are larger than/,
      },
      { args: [VIT, "pictures"], says: /is an ONNX graph/ },
      { args: ["pictures", "pictures"], says: /no weights/ },
    ];
    for (const { args, says } of refusals) {
      const result = await at.run("pretrain", ...args, "--quiet", "--out", "never");
      expectOneClearLine(result, /^vitreous: /, says);
      expect(result).toMatchObject({ status: 1, stdout: "" });
    }
    expect(existsSync(at.path("never"))).toBe(false);
    const onto = await at.run("pretrain", at.path("dino"), "pictures", "--quiet", "--out", at.path("dino"));
    expectOneClearLine(onto, /is the model itself/);
  });

  it("writes over no model of another kind", async () => {
    writeFileSync(at.path("taken", "config.json"), "{}");
    const result = await pretrain("pictures", ...SETTINGS, "--out", "taken", "--quiet");
    expect(result.status).toBe(1);
    expectOneClearLine(result, /taken holds config\.json already/);
    expect(readFileSync(at.path("taken", "config.json"), "utf8")).toBe("{}");
  });
});

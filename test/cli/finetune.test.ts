/** @file `vitreous finetune` as its user runs it: what it learns, what it leaves, and that nothing that ends it loses anything. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openModel } from "../../src/api/node/open.js";
import { uniform } from "../../src/random.js";
import { expectNothingHalf, expectOneClearLine, fixture, VIT, workplace } from "./command.js";
import { trainingJson } from "./contract.js";
import { endAndGoOn, expectSameTraining } from "./endings.js";

const at = workplace();

/** Pictures of 16×16, 12 wide, two blocks, classes that are no one's. */
const MODEL = fixture("checkpoints", "transformers-vitforimageclassification-plain", "checkpoint");

/** Noise about a shade: two classes that anything can tell. */
async function shades(folder: string, counts: Readonly<Record<string, number>>): Promise<string> {
  const next = uniform(5);
  for (const [label, count] of Object.entries(counts)) {
    const shade = label === "dark" ? 60 : 190;
    for (let i = 0; i < count; i++) {
      const data = Uint8Array.from({ length: 24 * 20 * 3 }, () => shade + 60 * (next() - 0.5));
      const path = at.path(folder, label, `${label}-${i}.png`);
      await sharp(data, { raw: { width: 24, height: 20, channels: 3 } }).toFile(path);
    }
  }
  return folder;
}

const SETTINGS = ["--batch", "8", "--lr", "3e-3", "--threads", "1"] as const;
const LONG = [
  ...SETTINGS,
  "--epochs",
  "12",
  "--augment",
  "full",
  "--mixup",
  "0.2",
  "--ema",
  "0.9",
  "--dropout",
  "0.1",
] as const;
const finetune = (...args: readonly string[]) => at.run("finetune", MODEL, ...args);

const record = (folder: string) => at.json(trainingJson, folder, "training.json");

beforeAll(async () => {
  await shades("pictures", { dark: 40, light: 40 });
});

describe("a model fine-tuned on pictures that are easily told apart", () => {
  const out = "trained";

  it("learns them, and says so", async () => {
    const { status, stdout, stderr } = await finetune("pictures", "--epochs", "6", ...SETTINGS, "--out", out);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/accuracy +100\.0% \[/);
    expect(stderr).toMatch(/epoch 6: .*images\/s/);
    const { curve, test, splits, classes } = record(out);
    const losses = curve.map((e) => e.train.loss);
    expect(losses.at(-1)).toBeLessThan(0.7 * (losses[0] ?? 0));
    expect(test.accuracy.value).toBe(1);
    expect(test.images).toBe(16);
    expect(classes).toEqual(["dark", "light"]);
    expect(splits).toEqual({ train: [28, 28], validation: [4, 4], test: [8, 8] });
  });

  it("leaves transformers' layout, the graph, the record and the report, and nothing else", () => {
    expect(at.files(out)).toEqual([
      "config.json",
      "model.onnx",
      "model.safetensors",
      "preprocessor_config.json",
      "report.html",
      "splits.json",
      "state",
      "state/images.json",
      "state/state.json",
      "training.json",
    ]);
    const page = readFileSync(at.path(out, "report.html"), "utf8");
    expect(page).not.toMatch(/<script|<link|@import|url\(|(src|href)="(?!data:)/);
  });

  it.each(["", "model.onnx"])("opens and predicts with its labels (%s)", async (file) => {
    const model = await openModel(at.path(out, file), { threads: 1 });
    try {
      expect(model.facts.labels).toEqual(["dark", "light"]);
      expect(model.warnings).toEqual([]);
      const images = [
        await model.read(at.path("pictures/dark/dark-0.png")),
        await model.read(at.path("pictures/light/light-0.png")),
      ];
      const said: (string | undefined)[] = [];
      for await (const { predictions } of model.predictAll(images)) said.push(predictions[0]?.label);
      expect(said).toEqual(["dark", "light"]);
    } finally {
      await model.close();
    }
  });

  it("is left as it is by the same command, and refused to another", async () => {
    const before = readFileSync(at.path(out, "training.json"), "utf8");
    const same = ["pictures", "--epochs", "6", ...SETTINGS, "--out", out];
    const again = await finetune(...same);
    expect(again).toMatchObject({ status: 0, stdout: "" });
    expect(again.stderr).toMatch(/is finished/);
    const other = await finetune(...same, "--weight-decay", "0.1");
    expect(other.status).toBe(1);
    expectOneClearLine(other, /weightDecay was 0\.05 and is 0\.1 now/);
    expect(readFileSync(at.path(out, "training.json"), "utf8")).toBe(before);
  });

  it("trains further as the model of another run, with its classifier kept", async () => {
    const result = await at.run(
      "finetune",
      at.path(out),
      "pictures",
      "--epochs",
      "1",
      ...SETTINGS,
      "--out",
      "further",
    );
    expect(result.status, result.stderr).toBe(0);
    expect(result.stderr).toMatch(/classifier of 2 classes is kept/);
  });

  it("teaches a student, which gets a distillation token", async () => {
    const teaching = ["--teacher", out, "--distill", "soft", "--dropout", "0.05", "--accumulate", "2"];
    const args = ["pictures", ...teaching, "--epochs", "6", ...SETTINGS];
    const result = await finetune(...args, "--out", "student");
    expect(result.status, result.stderr).toBe(0);
    expect(record("student").test.accuracy.value).toBe(1);
    const config = JSON.parse(readFileSync(at.path("student", "config.json"), "utf8"));
    expect(config.architectures).toEqual(["DeiTForImageClassificationWithTeacher"]);
    const stranger = await finetune("pictures", "--teacher", MODEL, "--quiet", "--out", "never");
    expect(stranger.status).toBe(1);
    expectOneClearLine(stranger, /cannot be the teacher: its classes are/);
  });

  it("teaches a student of another family, with new weights and one head", async () => {
    const swin =
      "swin_tiny_patch4_window7_224:embed_dim=12,depths=2-2,num_heads=2-4,window_size=2,patch_size=4,img_size=16";
    const teaching = ["--teacher", out, "--distill", "soft", "--temperature", "2", "--distill-share", "0.7"];
    const result = await at.run(
      "finetune",
      ...[swin, "pictures", "--scratch", ...teaching, "--epochs", "4", ...SETTINGS, "--out", "swin"],
    );
    expect(result.status, result.stderr).toBe(0);
    expect(result.stderr).toMatch(/All weights are new, drawn with seed 0/);
    const { settings, test } = record("swin");
    expect(settings).toMatchObject({ scratch: true, distillationShare: 0.7, temperature: 2 });
    expect(test.accuracy.value).toBe(1);
    const config = JSON.parse(readFileSync(at.path("swin", "config.json"), "utf8"));
    expect(config).toMatchObject({
      architectures: ["SwinForImageClassification"],
      depths: [2, 2],
      embed_dim: 12,
      id2label: { 0: "dark", 1: "light" },
    });
    const token = await at.run(
      "finetune",
      swin,
      "pictures",
      "--scratch",
      ...teaching,
      "--distill-token",
      "yes",
      "--out",
      "never",
    );
    expect(token.status).toBe(1);
    expectOneClearLine(token, /SwinForImageClassification cannot get a distillation token/);
  });

  it("teaches a plain ViT without a token when asked to", async () => {
    const args = ["pictures", "--teacher", out, "--distill-token", "no", "--epochs", "1", ...SETTINGS];
    const result = await finetune(...args, "--out", "one-head");
    expect(result.status, result.stderr).toBe(0);
    const config = JSON.parse(readFileSync(at.path("one-head", "config.json"), "utf8"));
    expect(config.architectures).toEqual(["ViTForImageClassification"]);
  });

  it("trains on images of several sizes, and is saved for its own", async () => {
    const sizes = ["--image-sizes", "12x12,16x24,16x16", "--dropout", "0.1"];
    const args = ["pictures", ...sizes, "--epochs", "3", ...SETTINGS];
    const result = await finetune(...args, "--out", "sizes");
    expect(result.status, result.stderr).toBe(0);
    const { settings, test } = record("sizes");
    expect(settings).toMatchObject({
      imageSizes: [
        [12, 12],
        [16, 24],
        [16, 16],
      ],
      image: [3, 16, 16],
      dropout: 0.1,
    });
    expect(test.accuracy.value).toBe(1);
  });

  it("trains the head alone when the rest is frozen", async () => {
    const result = await finetune(
      "pictures",
      "--freeze",
      "head",
      "--epochs",
      "1",
      ...SETTINGS,
      "--json",
      "--out",
      "probe",
    );
    expect(result.status, result.stderr).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({ out: "probe", epochs: 1, classes: ["dark", "light"] });
    const { parameters } = record("probe");
    expect(parameters.frozen).toBeGreaterThan(20 * parameters.trained);
  });
});

describe("a run that is ended", () => {
  const args = (out: string) => ["finetune", MODEL, "pictures", ...LONG, "--quiet", "--out", out];
  it("goes on to the same bits, however and whenever it was ended", async () => {
    expect((await at.run(...args("whole"))).status).toBe(0);
    await endAndGoOn(at, args("ended"), "ended");
    const files = ["model.safetensors", "model.onnx", "splits.json", "report.html"];
    expectSameTraining(at, ["ended", "whole"], files);
  });

  it("lets no second run into its folder while it is on", async () => {
    const first = at.start(...args("shared"));
    while (!existsSync(at.path("shared", "state", "lock"))) await sleep(2);
    first.child.kill("SIGSTOP");
    const second = await at.run(...args("shared"));
    first.child.kill("SIGKILL");
    await first.ended;
    expect(second.status).toBe(1);
    expectOneClearLine(second, new RegExp(`in use by process ${first.child.pid}`));
  });
});

describe("a fine-tuning that cannot be", () => {
  it.each([
    { line: "--epochs 0", says: /--epochs: must be a whole number, from 1/ },
    { line: "--depth 0", says: /--depth: must be a whole number, from 1/ },
    { line: "--dropout 1", says: /--dropout: must be a number, from 0 to 0\.9/ },
    { line: "--lr fast", says: /--lr: must be a number/ },
    { line: "--freeze tail", says: /--freeze: must be none, head or blocks:K/ },
    { line: "--augment wild", says: /--augment takes none, light, full/ },
    { line: "--label-smoothing 2", says: /--label-smoothing/ },
    { line: "--distill soft", says: /--distill needs a --teacher/ },
    { line: "--image-sizes 160,192", says: /--image-sizes: must be heights and widths/ },
    { line: "--distill-share 0.2", says: /--distill-share needs a --teacher/ },
    { line: "--teacher x --distill-token maybe", says: /--distill-token: must be auto, yes or no/ },
    { line: "--scratch --arch vit_tiny_patch16_224", says: /with --scratch give the architecture as MODEL/ },
    { line: "--splits x.json --test 0.2", says: /leave --val and --test out/ },
    { line: "--device gpu", says: /cpu, cuda/ },
  ])("is a usage error: $line", async ({ line, says }) => {
    const result = await finetune("pictures", "--out", "never", ...line.split(" "));
    expectOneClearLine(result, /^vitreous: /, says);
    expect(result).toMatchObject({ status: 2, stdout: "" });
  });

  it("says why in one line, and leaves nothing", async () => {
    await shades("one", { dark: 5 });
    await shades("few", { dark: 5, light: 2 });
    mkdirSync(at.path("empty"));
    writeFileSync(at.path("labels.txt"), "dark\ngrey\n");
    const refusals = [
      { args: [MODEL, "one"], says: /one class alone \(dark\)/ },
      { args: [MODEL, "few"], says: /the class "light" has 2 images/ },
      { args: [MODEL, "empty"], says: /holds no images/ },
      { args: [MODEL, "nowhere"], says: /nowhere does not exist/ },
      { args: [MODEL, "pictures", "--val", "0.5", "--test", "0.5"], says: /leaves none to train on/ },
      { args: [MODEL, "pictures", "--freeze", "blocks:9"], says: /has 2 blocks/ },
      { args: [MODEL, "pictures", "--labels", "labels.txt"], says: /labels\.txt.*dark, light.*dark, grey/ },
      { args: [VIT, "pictures"], says: /is an ONNX graph, which cannot be fine-tuned/ },
      { args: ["pictures", "pictures"], says: /no weights/ },
      { args: ["pictures", "pictures", "--scratch"], says: /pictures has no config\.json/ },
      { args: ["vit_tiny", "pictures", "--scratch"], says: /"vit_tiny" is no architecture/ },
      { args: ["vit_tiny_patch16_224:dept=2", "pictures", "--scratch"], says: /there is no argument dept/ },
      { args: ["hf:owner/name", "pictures", "--scratch"], says: /only the config\.json is needed/ },
    ];
    for (const { args, says } of refusals) {
      const result = await at.run("finetune", ...args, "--quiet", "--out", "never");
      expectOneClearLine(result, /^vitreous: /, says);
      expect(result).toMatchObject({ status: 1, stdout: "" });
    }
    expect(existsSync(at.path("never"))).toBe(false);
  });

  it("has a file in its way", async () => {
    writeFileSync(at.path("file"), "mine");
    const result = await finetune("pictures", "--quiet", "--out", "file");
    expect(result).toMatchObject({ status: 1, stdout: "" });
    expectOneClearLine(result, /file.state could not be written: a file is in the way/);
    expect(readFileSync(at.path("file"), "utf8")).toBe("mine");
  });

  it("writes over no model of another kind", async () => {
    writeFileSync(at.path("taken", "config.json"), "{}");
    const result = await finetune("pictures", "--out", "taken", "--quiet");
    expect(result.status).toBe(1);
    expectOneClearLine(result, /taken holds config\.json already/);
    expect(readFileSync(at.path("taken", "config.json"), "utf8")).toBe("{}");
  });

  it("sets damaged pictures aside with a warning", async () => {
    await shades("damaged", { dark: 8, light: 8 });
    const whole = readFileSync(at.path("damaged/dark/dark-1.png"));
    writeFileSync(at.path("damaged/dark/dark-1.png"), whole.subarray(0, whole.length - 200));
    writeFileSync(at.path("damaged/dark/dark-2.png"), "no picture");
    const result = await finetune(
      "damaged",
      "--epochs",
      "1",
      "--batch",
      "4",
      "--threads",
      "1",
      "--out",
      "despite",
    );
    expect(result.status, result.stderr).toBe(0);
    expect(record("despite").setAside.map(({ image }) => basename(image))).toEqual(
      expect.arrayContaining(["dark-2.png"]),
    );
  });
});

describe("a full disk", () => {
  const disk = "disk";
  afterAll(() => {
    spawnSync("umount", [at.path(disk)]);
  });

  it("ends the run in one clear line with nothing half-written, and the run goes on when there is room", async (context) => {
    mkdirSync(at.path(disk));
    const made = spawnSync("mount", ["-t", "tmpfs", "-o", "size=96k", "vitreous-test", at.path(disk)]);
    if (made.status !== 0) {
      process.stderr.write("The full-disk test is skipped: no small disk can be mounted here.\n");
      context.skip();
    }
    const args = ["pictures", "--epochs", "3", ...SETTINGS, "--out", `${disk}/run`, "--quiet"];
    const full = await finetune(...args);
    expect(full.status).toBe(1);
    expectOneClearLine(full, /could not be written: the disk is full/);
    expectNothingHalf(at.files(disk));
    expect(spawnSync("mount", ["-o", "remount,size=4m", at.path(disk)]).status).toBe(0);
    const rest = await finetune(...args);
    expect(rest.status, rest.stderr).toBe(0);
    expect(record(`${disk}/run`).curve).toHaveLength(3);
    rmSync(at.path(disk, "run"), { recursive: true });
  });
});

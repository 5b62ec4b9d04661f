/** @file What `explain` writes and says when all goes well: the contract that scripts and notebooks rely on. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { readNpy, writeNpy } from "../../src/imaging/npy.js";
import { corpus, goldenFloats } from "../corpus.js";
import { complaints, expectNothingHalf, SWIN, VIT, workplace } from "./command.js";
import { explainJson } from "./contract.js";

const at = workplace();

const own = (name: string) => {
  const model = corpus().find((m) => m.name === name || m.folder.endsWith(`/models/${name}`));
  if (model === undefined) throw new Error(`the fixture ${name} is missing`);
  return model;
};

const farthest = (a: readonly number[], b: ArrayLike<number>): number =>
  Math.max(...a.map((v, i) => Math.abs(v - (b[i] ?? Number.NaN))));

/** The two golden images of a fixture as [2,3,H,W]. */
async function goldenBatch(name: string, file: string): Promise<string> {
  const model = own(name);

  writeFileSync(at.path(file), writeNpy(goldenFloats(model, "input"), [2, 3, ...model.image]));
  return file;
}

describe("explain", () => {
  it("writes an overlay for each image and method, and one record with the goldens' numbers", async () => {
    const input = await goldenBatch("vit", "batch.npy");
    const result = await at.run(
      ...["explain", VIT, input, "--out", "maps", "--format", "png,npy,json"],
      ...["--method", "grad-cam", "gradient-rollout", "gradient-rollout:discard=0"],
    );
    expect(complaints(result)).toEqual(["2 images explained; 12 map files and explain.json in maps"]);
    expect(result.status).toBe(0);
    expect(at.files("maps")).toEqual(
      ["batch-0", "batch-1"]
        .flatMap((stem) =>
          ["grad-cam", "gradient-rollout", "gradient-rollout_discard=0"].flatMap((method) =>
            ["npy", "png"].map((type) => `${stem}.${method}.${type}`),
          ),
        )
        .concat("explain.json")
        .sort(),
    );
    const { images, failed, model } = at.json(explainJson, "maps", "explain.json");
    expect(failed).toEqual([]);
    expect(model).toMatchObject({ path: VIT, family: "vit" });
    const { classes, grid } = own("vit");
    expect(images.map((i) => i.image)).toEqual(["batch.npy[0]", "batch.npy[1]"]);
    const goldens = ["gradcam.top", "rollout.discard0.9", "rollout.discard0.0"];
    images.forEach((image, i) => {
      expect(image.predictions).toHaveLength(5);
      expect(image.predictions[0]?.index).toBe(classes[i]);
      image.maps.forEach((map, m) => {
        expect(map.class).toEqual({ index: classes[i], label: String(classes[i]) });
        expect(map.grid).toEqual(grid);
        const values = map.values.flat();
        const want = goldenFloats(own("vit"), goldens[m] ?? "").slice(
          i * values.length,
          (i + 1) * values.length,
        );
        expect(farthest(values, want)).toBeLessThan(1e-3 * Math.max(...want));
        const { shape, data, descr } = readNpy(readFileSync(at.path("maps", map.files.npy ?? "")), "map");
        expect({ shape, descr }).toEqual({ shape: [32, 32], descr: "<f4" });
        expect(Math.min(...data)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...data)).toBeLessThanOrEqual(1);
      });
    });
  });

  it("gives a ViT's rollouts divided by their maximum and a Swin's with sum 1", async () => {
    const vit = await goldenBatch("vit", "v.npy");
    const swin = await goldenBatch("swin", "s.npy");
    for (const [model, input, out] of [
      [VIT, vit, "of-vit"],
      [SWIN, swin, "of-swin"],
    ] as const) {
      const result = await at.run(
        "explain",
        model,
        input,
        "--method",
        "gradient-rollout",
        "rollout",
        "--out",
        out,
      );
      expect(result.status, result.stderr).toBe(0);
      for (const { values } of at.json(explainJson, out, "explain.json").images.flatMap((i) => i.maps)) {
        const flat = values.flat();
        if (model === VIT) expect(Math.max(...flat)).toBe(1);
        else expect(flat.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      }
    }
  });

  it("writes explain.json whatever the format, and only the files that were asked for", async () => {
    const image = await at.picture("one.png");
    const written = async (out: string, ...options: readonly string[]) => {
      const result = await at.run("explain", VIT, image, "--out", out, ...options);
      expect(result.status, result.stderr).toBe(0);
      return at.files(out);
    };
    expect(await written("npy", "--format", "npy")).toEqual(["explain.json", "one.grad-cam.npy"]);
    expect(await written("json", "--format", "json")).toEqual(["explain.json"]);
    expect(await written("default")).toEqual(["explain.json", "one.grad-cam.png"]);
    const { width = 0, height = 0 } = await sharp(at.path("default", "one.grad-cam.png")).metadata();
    expect(Math.min(width, height)).toBeGreaterThan(400);
  });

  it("finds images in folders, leaves out what is hidden, and keeps two images of one stem apart", async () => {
    await at.picture("tree/a/x.png");
    await at.picture("tree/b/x.jpg");
    await at.picture("tree/b/deep/y.webp");
    await at.picture("tree/.hidden.png");
    await at.picture("tree/.cache/z.png");
    const result = await at.run(
      "explain",
      VIT,
      "tree",
      "tree/a/x.png",
      "--out",
      "flat",
      "--method",
      "rollout",
    );
    expect(result.status).toBe(0);
    expect(at.files("flat")).toEqual(["a_x.rollout.png", "b_x.rollout.png", "explain.json", "y.rollout.png"]);
    const { images } = at.json(explainJson, "flat", "explain.json");
    expect(images.map((i) => i.image)).toEqual(["tree/a/x.png", "tree/b/x.jpg", "tree/b/deep/y.webp"]);
    expect(images[0]?.maps[0]?.files).toEqual({ png: "a_x.rollout.png" });
  });

  it("does not take its own overlays for images when it is run again", async () => {
    await at.picture("again/x.png");
    const run = () => at.run("explain", VIT, "again", "--method", "rollout", "--out", "again/maps");
    await run();
    const second = await run();
    expect(second.status, second.stderr).toBe(0);
    expect(second.stderr).toContain("note: 1 file in again/maps, where the results go, skipped");
    expect(at.files("again/maps")).toEqual(["explain.json", "x.rollout.png"]);
  });

  it("explains any class: by number, by name, and one against another", async () => {
    const image = await at.picture("c.png");
    const names = ["benign", "malignant", "normal", "well-formed", "other", "2"];
    writeFileSync(at.path("names.txt"), `${names.join("\n")}\n`);
    const explained = async (text: string) => {
      const result = await at.run(
        "explain",
        VIT,
        image,
        "--labels",
        "names.txt",
        "--class",
        text,
        "--out",
        "c",
      );
      expect(result.status, result.stderr).toBe(0);
      return at.json(explainJson, "c", "explain.json").images[0]?.maps[0]?.class;
    };
    expect(await explained("0")).toEqual({ index: 0, label: "benign" });
    expect(await explained("Malignant")).toEqual({ index: 1, label: "malignant" });
    expect(await explained("well-formed")).toEqual({ index: 3, label: "well-formed" });
    // A label wins over a number.
    expect(await explained("2")).toEqual({ index: 5, label: "2" });
    expect(await explained("malignant-benign")).toEqual({
      index: 1,
      label: "malignant",
      minus: { index: 0, label: "benign" },
    });
  });

  it("takes the true class from the folder's name, and sets aside what has none", async () => {
    writeFileSync(
      at.path("n.json"),
      JSON.stringify({ id2label: { 0: "cat", 1: "dog", 2: "2", 3: "3", 4: "4", 5: "5" } }),
    );
    await at.picture("pets/cat/1.png");
    await at.picture("pets/dog/2.png");
    await at.picture("pets/4/3.png");
    const result = await at.run(
      ...[
        "explain",
        VIT,
        "pets",
        "--labels",
        "n.json",
        "--class",
        "true",
        "--out",
        "pets-out",
        "--method",
        "rollout",
      ],
    );
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/pets\/4\/3\.png: its true class is not known/);
    const { images, failed } = at.json(explainJson, "pets-out", "explain.json");
    expect(images.map((i) => i.maps[0]?.class.label)).toEqual(["cat", "dog"]);
    expect(failed.map((f) => f.image)).toEqual(["pets/4/3.png"]);
  });
});

describe("what explain says", () => {
  it("is the result on standard output alone, as a table or as JSON, and nothing under --quiet", async () => {
    const image = await at.picture("d.png");
    const table = await at.run("explain", VIT, image, "--out", "say");
    expect(table.stdout).toMatch(/^image +prediction +probability +explained\nd\.png +\d +\d+\.\d% +\d\n$/);
    const json = await at.run("explain", VIT, image, "--out", "say", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({
      out: "say",
      images: [{ image: "d.png", files: ["d.grad-cam.png"] }],
      failed: [],
    });
    const quiet = await at.run("explain", VIT, image, "--out", "say", "--quiet");
    expect(quiet).toEqual({ status: 0, stdout: "", stderr: "" });
    // No bar without a terminal.
    expect(table.stderr).not.toMatch(/\r|█|░/);
  });

  it("warns where nothing says how images are prepared, and not where something does", async () => {
    const image = await at.picture("e.png");
    const guessed = await at.run("explain", VIT, image, "--out", "prep");
    expect(guessed.stderr).toMatch(/^warning: nothing says .*--preprocess FILE/);
    const own = {
      resize: { mode: "exact", height: 32, width: 32, interpolation: "bilinear" },
      mean: [0, 0, 0],
      std: [1, 1, 1],
    };
    writeFileSync(at.path("p.json"), JSON.stringify(own));
    const given = await at.run("explain", VIT, image, "--out", "prep", "--preprocess", "p.json");
    expect(given.stderr).not.toMatch(/warning/);
    copyFileSync(VIT, at.path("beside", "model.onnx"));
    writeFileSync(
      at.path("beside", "preprocessor_config.json"),
      JSON.stringify({
        image_processor_type: "ViTImageProcessor",
        size: { height: 32, width: 32 },
        resample: 2,
        image_mean: [0.5, 0.5, 0.5],
        image_std: [0.5, 0.5, 0.5],
      }),
    );
    const beside = await at.run("explain", "beside/model.onnx", image, "--out", "prep");
    expect(beside.stderr).not.toMatch(/warning/);
    const wrong = await at.run("explain", VIT, image, "--out", "prep", "--preprocess", "e.png");
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toMatch(/e\.png is no valid JSON/);
    expectNothingHalf(at.files());
  });

  it("is the same for one image at a time and for many, for any number of threads", async () => {
    for (const name of ["1", "2", "3"]) await at.picture(`many/${name}.png`, 30 + Number(name) * 7, 40);
    const values = async (...options: readonly string[]) => {
      await at.run("explain", VIT, "many", "--out", "many-out", "--method", "gradient-rollout", ...options);
      return at
        .json(explainJson, "many-out", "explain.json")
        .images.flatMap((i) => i.maps.flatMap((m) => m.values.flat()));
    };
    const [one, three] = [
      await values("--batch", "1", "--threads", "1"),
      await values("--batch", "3", "--threads", "2"),
    ];
    expect(one).toHaveLength(48);
    expect(farthest(one, three)).toBeLessThan(1e-5);
  });
});

/** @file What `evaluate` writes and says when all goes well. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { writeNpy } from "../../src/imaging/npy.js";
import { corpus, goldenFloats } from "../corpus.js";
import { complaints, expectNothingHalf, QUANTISED, RESNET, VIT, workplace } from "./command.js";
import { explainJson, resultsJson } from "./contract.js";

const at = workplace();

/** A map [32,32] that rises over the picture. */
const ramp = (): Uint8Array =>
  writeNpy(
    Float32Array.from({ length: 1024 }, (_, i) => i / 1024),
    [32, 32],
  );

describe("evaluate", () => {
  it("scores maps made elsewhere as RISE's own code does", async () => {
    const model = corpus().find((m) => m.exports.some((e) => e.path === VIT));
    if (model === undefined) throw new Error("the fixture is missing");
    writeFileSync(at.path("g.npy"), writeNpy(goldenFloats(model, "input"), [2, 3, 32, 32]));
    const saliency = goldenFloats(model, "saliency");
    for (const i of [0, 1]) {
      const map = writeNpy(saliency.slice(i * 1024, (i + 1) * 1024), [32, 32]);
      writeFileSync(at.path("maps", `g-${i}.npy`), map);
      writeFileSync(at.path("maps", `g-${i}.again.npy`), map);
    }
    const result = await at.run(
      ...["evaluate", VIT, "g.npy", "--maps", "maps", "--out", "rise"],
      ...["--metric", `insertion:step=${model.step}`, `deletion:step=${model.step}`],
    );
    expect(result.status, result.stderr).toBe(0);
    const { images, summary } = at.json(resultsJson, "rise", "results.json");
    expect(images.map((i) => i.image)).toEqual(["g.npy[0]", "g.npy[1]"]);
    images.forEach((image, i) => {
      expect(image.class.index).toBe(model.classes[i]);
      expect(image.scores.map((s) => s.method)).toEqual(["maps", "maps", "maps:again", "maps:again"]);
      for (const { metric, auc, curve } of image.scores) {
        const name = metric.split(":")[0];
        const points = goldenCurve(model, `${name}.curve`, i, curve.length);
        expect(Math.max(...curve.map((p, k) => Math.abs(p - (points[k] ?? 2))))).toBeLessThan(1e-5);
        expect(auc).toBeCloseTo(Number(model.golden().get(`${name}.auc`)?.data[i]), 6);
      }
    });
    // Twice the same map is computed once: 2 images × (their own, the baselines and all between).
    const points = Math.ceil(1024 / model.step) + 1;
    expect(result.stderr).toContain(`2 images scored in ${2 * (2 * points - 1)} forward passes`);
    expect(summary.map((s) => [s.method, s.metric.split(":")[0], s.direction, s.n])).toEqual([
      ["maps", "insertion", "higher", 2],
      ["maps", "deletion", "lower", 2],
      ["maps:again", "insertion", "higher", 2],
      ["maps:again", "deletion", "lower", 2],
      ["maps", "insertion - deletion", "higher", 2],
      ["maps:again", "insertion - deletion", "higher", 2],
    ]);
  });

  it("scores methods and controls, in JSON, CSV and on a contact sheet, the same on every run", async () => {
    await at.picture("set/a/1.png");
    await at.picture("set/b/2.png", 40, 60);
    const args = ["evaluate", VIT, "set", "--method", "grad-cam", "rollout", "--metric", "deletion:step=128"];
    const run = (out: string) => at.run(...args, "--controls", "--sheet", "--seed", "3", "--out", out);
    const result = await run("first");
    expect(result.status, result.stderr).toBe(0);
    expect(at.files("first")).toEqual(["contact-sheet.html", "results.json", "scores.csv"]);
    const { images, summary, protocol } = at.json(resultsJson, "first", "results.json");
    expect(protocol.seed).toBe(3);
    const rows = parse(readFileSync(at.path("first", "scores.csv"), "utf8"), { columns: true });
    expect(rows).toHaveLength(14);
    expect(rows).toHaveLength(images.flatMap((i) => i.scores).length);
    expect(summary.map((s) => s.method)).toEqual([
      ...["grad-cam", "rollout", "random", "center", "edge", "inverted", "inverted"],
    ]);
    expect(result.stdout).toMatch(/^map +deletion:step=128 \(lower is better\) +n\ngrad-cam +0\.\d{4}/);
    const page = readFileSync(at.path("first", "contact-sheet.html"), "utf8");
    expect(page).toContain("<!doctype html>");
    // Self-contained: nothing is fetched.
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
    await run("second");
    for (const file of ["results.json", "scores.csv", "contact-sheet.html"]) {
      expect(readFileSync(at.path("second", file), "utf8")).toBe(
        readFileSync(at.path("first", file), "utf8"),
      );
    }
  });

  it("gives an image the same scores whatever others are scored with it", async () => {
    await at.picture("alone/1.png");
    await at.picture("alone/2.png", 40, 60);
    const args = ["--controls", "--metric", "deletion:step=128,baseline=noise,order=patch,ties=2", "--out"];
    await at.run("evaluate", VIT, "alone", ...args, "both");
    await at.run("evaluate", VIT, "alone/2.png", ...args, "one");
    const both = at.json(resultsJson, "both", "results.json").images[1];
    const one = at.json(resultsJson, "one", "results.json").images[0];
    expect(one?.scores.map((s) => s.curve)).toEqual(both?.scores.map((s) => s.curve));
  });

  it("follows the true class too where a prediction is wrong", async () => {
    writeFileSync(at.path("n.txt"), "cat\ndog\nfish\nbird\ncow\nhen\n");
    await at.picture("pets/cat/1.png");
    await at.picture("pets/dog/2.png");
    const args = [
      "evaluate",
      VIT,
      "pets",
      "--labels",
      "n.txt",
      "--method",
      "rollout",
      "--metric",
      "deletion:step=512",
    ];
    await at.run(...args, "--out", "top");
    const { images } = at.json(resultsJson, "top", "results.json");
    expect(images.map((i) => i.label?.label)).toEqual(["cat", "dog"]);
    for (const { class: explained, label, predictions, scores } of images) {
      expect(explained.index).toBe(predictions[0]?.index);
      expect("true_class" in (scores[0] ?? {})).toBe(label?.index !== explained.index);
    }
    expect(images.some(({ class: c, label }) => c.index !== label?.index)).toBe(true);
    await at.run(...args, "--class", "true", "--out", "true");
    expect(at.json(resultsJson, "true", "results.json").images.map((i) => i.class.label)).toEqual([
      "cat",
      "dog",
    ]);
  });

  it("needs neither a transformer nor gradients: a ResNet and a quantised model", async () => {
    const image = await at.picture("p.png");
    mkdirSync(at.path("outside"));
    writeFileSync(at.path("outside", "p.npy"), ramp());
    for (const model of [RESNET, QUANTISED]) {
      const out = model === RESNET ? "resnet" : "quantised";
      const result = await at.run(
        ...[
          "evaluate",
          model,
          image,
          "--maps",
          "outside",
          "--controls",
          "--metric",
          "insertion:step=256",
          "--out",
          out,
        ],
      );
      expect(result.status, result.stderr).toBe(0);
      const { images } = at.json(resultsJson, out, "results.json");
      expect(images[0]?.scores.map((s) => s.method)).toEqual([
        "maps",
        "random",
        "center",
        "edge",
        "inverted",
      ]);
    }
  });

  it("reads back the maps that explain wrote", async () => {
    const image = await at.picture("back.png");
    await at.run("explain", VIT, image, "--method", "rollout", "--format", "npy", "--out", "written");
    expect(at.json(explainJson, "written", "explain.json").images).toHaveLength(1);
    const both = ["--method", "rollout", "--maps", "written", "--metric", "deletion:step=64"];
    await at.run("evaluate", VIT, image, ...both, "--out", "compared");
    const [own, read] = at.json(resultsJson, "compared", "results.json").images[0]?.scores ?? [];
    expect(read?.method).toBe("maps:rollout");
    expect(read?.curve).toEqual(own?.curve);
  });

  it("gives a map to the image with the longest fitting name", async () => {
    await at.picture("dots/a.png");
    await at.picture("dots/a.b.png");
    mkdirSync(at.path("dot-maps"));
    for (const name of ["a", "a.c", "a.b", "a.b.c"])
      writeFileSync(at.path("dot-maps", `${name}.npy`), ramp());
    await at.run(
      "evaluate",
      VIT,
      "dots",
      "--maps",
      "dot-maps",
      "--metric",
      "deletion:step=512",
      "--out",
      "dots-out",
    );
    const { images } = at.json(resultsJson, "dots-out", "results.json");
    const methods = Object.fromEntries(images.map((i) => [i.image, i.scores.map((s) => s.method)]));
    expect(methods).toEqual({ "dots/a.b.png": ["maps", "maps:c"], "dots/a.png": ["maps", "maps:c"] });
  });
});

describe("maps that cannot be scored", () => {
  it("are reported with what is wrong, and the others are scored", async () => {
    for (const name of ["good", "size", "nan", "text", "none"]) await at.picture(`m/${name}.png`);
    mkdirSync(at.path("m-maps"));
    writeFileSync(at.path("m-maps", "good.npy"), ramp());
    writeFileSync(at.path("m-maps", "size.npy"), writeNpy(new Float32Array(64 * 64), [64, 64]));
    const broken = new Float32Array(1024);
    broken[33] = Number.NaN;
    writeFileSync(at.path("m-maps", "nan.npy"), writeNpy(broken, [32, 32]));
    writeFileSync(at.path("m-maps", "text.npy"), "not numpy");
    const result = await at.run(
      "evaluate",
      VIT,
      "m",
      "--maps",
      "m-maps",
      "--metric",
      "deletion:step=512",
      "--out",
      "mo",
    );
    expect(result.status).toBe(1);
    const said = complaints(result).join("\n");
    expect(said).toMatch(/size\.npy is an array \[64, 64\], but .* \[32, 32\]/);
    expect(said).toMatch(/nan\.npy holds NaN at row 1, column 1/);
    expect(said).toMatch(/text\.npy is not a NumPy \.npy file/);
    expect(said).toMatch(/none\.png: there is no map none\.npy/);
    expect(complaints(result)).toHaveLength(5);
    const { images, failed } = at.json(resultsJson, "mo", "results.json");
    expect(images.map((i) => i.image)).toEqual(["m/good.png"]);
    expect(failed).toHaveLength(4);
    expectNothingHalf(at.files("mo"));
  });

  it("are refused before the model is opened where there are none", async () => {
    const image = await at.picture("q.png");
    const none = await at.run("evaluate", VIT, image, "--maps", "nowhere", "--out", "never");
    expect(complaints(none)).toEqual(["vitreous: --maps: nowhere does not exist."]);
    mkdirSync(at.path("empty-maps"));
    const empty = await at.run("evaluate", VIT, image, "--maps", "empty-maps", "--out", "never");
    expect(complaints(empty)).toEqual(["vitreous: --maps: empty-maps holds no .npy files."]);
    expect([none.status, empty.status]).toEqual([1, 1]);
  });
});

function goldenCurve(
  model: ReturnType<typeof corpus>[number],
  name: string,
  image: number,
  points: number,
): ArrayLike<number> {
  return (
    model
      .golden()
      .get(name)
      ?.data.slice(image * points, (image + 1) * points) ?? []
  );
}

/** @file `vitreous study` as its user runs it: a small study from a file, gone on with, and what is said of mistakes. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { expectOneClearLine, VIT, workplace } from "./command.js";

const at = workplace();

/** A study of two images with a model of 32×32 pixels; `more` lines behind. */
async function write(name: string, more = ""): Promise<void> {
  await at.picture("images/a/1.png");
  await at.picture("images/b/2.png", 40, 30);
  writeFileSync(
    at.path(name),
    `datasets: { mine: images }
models: { vit: ${JSON.stringify(VIT)} }
methods: [grad-cam]
metrics: ["deletion:step=256"]
${more}`,
  );
}

it("counts without writing, and what is run then is what was counted", async () => {
  await write("study.yaml");
  const before = at.files();
  const dry = await at.run("study", "study.yaml", "--dry-run", "--json", "--threads", "1");
  expect(dry.status, dry.stderr).toBe(0);
  const estimate = JSON.parse(dry.stdout);
  // Grad-CAM, its inverted map and three controls; of five points of a curve three depend on the map.
  expect(estimate.total).toMatchObject({ cells: 10, forwards: 2 * (2 + 5 * 3), explanations: 2 });
  expect(at.files()).toEqual(before);

  const first = await at.run("study", "study.yaml", "--json", "--threads", "1");
  expect(first.status, first.stderr).toBe(0);
  const { forwards, explanations } = estimate.total;
  expect(JSON.parse(first.stdout)).toMatchObject({
    out: join("out", "study"),
    cells: { done: 10, total: 10, reused: 0 },
    forwards: forwards + explanations,
    failures: [],
  });
  expect(first.stderr).toMatch(/the first map: grad-cam of vit on mine/);
  const record = readFileSync(at.path("out", "study", "study.json"), "utf8");
  expect(record).toBe((await at.run("study", "study.yaml", "--print")).stdout);

  expect(JSON.parse(first.stdout).means).toHaveLength(5);
  const files = at.files("out", "study").filter((name) => !name.startsWith("cells"));
  for (const name of ["tables/faithfulness.md", "report.html", "figures/means-mine-deletion_step=256.png"])
    expect(files).toContain(name);
  const page = readFileSync(at.path("out", "study", "report.html"), "utf8");
  expect(page).toContain("there is nothing to rank it against");
  expect(page).not.toContain(at.path("images"));
});

it("computes nothing the second time, and writes the same", async () => {
  const parquet = readFileSync(at.path("out", "study", "scores.parquet"));
  const second = await at.run("study", "study.yaml", "--json", "--threads", "1");
  expect(JSON.parse(second.stdout)).toMatchObject({ cells: { done: 10, reused: 10 }, forwards: 0 });
  expect(readFileSync(at.path("out", "study", "scores.parquet")).equals(parquet)).toBe(true);
});

it("has its tables made again from what is stored", async () => {
  const outputs = () => at.files("out", "study").filter((name) => !name.startsWith("cells"));
  const files = outputs();
  const page = readFileSync(at.path("out", "study", "report.html"), "utf8");
  for (const name of ["tables", "report.html"]) rmSync(at.path("out", "study", name), { recursive: true });
  const again = await at.run("report", join("out", "study"));
  expect(again.status, again.stderr).toBe(0);
  expect(again.stdout).toMatch(/^model +map +mine Deletion[^\n]*\(lower\)\nvit +grad-cam +\d\.\d{3}/);
  expect(outputs()).toEqual(files);
  expect(readFileSync(at.path("out", "study", "report.html"), "utf8")).toBe(page);
});

it("says what to do with a study of another version, and goes on with it", async () => {
  const index = at.path("out", "study", "cells", "index.json");
  const { declaration, ...rest } = JSON.parse(readFileSync(index, "utf8"));
  writeFileSync(index, JSON.stringify({ ...rest, declaration: { ...declaration, controls: true } }));
  expectOneClearLine(
    await at.run("report", join("out", "study")),
    /index\.json is damaged, or of another version of vitreous \(declaration\.controls: .*\): run the study again/,
  );
  const again = await at.run("study", "study.yaml", "--json", "--threads", "1");
  expect(again.status, again.stderr).toBe(0);
  expect(again.stderr).toMatch(/index\.json .*is written anew; what is computed is kept/);
  expect(JSON.parse(again.stdout)).toMatchObject({ cells: { reused: 10 }, forwards: 0 });
});

it("prints the study with every default, whatever it names", async () => {
  await write("study.yaml", "class: none such\nrun: { batch: 3 }\n");
  const { status, stdout, stderr } = await at.run("study", "study.yaml", "--print", "--device", "cuda");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({
    title: "study",
    class: "none such",
    controls: ["random", "center", "edge", "inverted"],
    run: { device: "cuda", batch: 3, unit: 8 },
  });
});

it("names each mistake on a line of its own, with its place", async () => {
  await write("study.yaml", "seed: x\nclas: top\n");
  const { status, stdout, stderr } = await at.run("study", "study.yaml");
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr.trim().split("\n")).toEqual([
    expect.stringMatching(/^vitreous: study\.yaml:5:7: seed must be a whole number/),
    expect.stringMatching(/^vitreous: study\.yaml:6:1: clas is not known/),
  ]);
});

it("needs a study", async () => {
  expectOneClearLine(await at.run("study"), /name a study file, or say --demo/);
  expectOneClearLine(await at.run("study", "study.yaml", "--demo"), /--demo is a study of its own/);
});

it("comes with one: four models on two data sets by two methods and two metrics, all of it there", async () => {
  const { status, stdout, stderr } = await at.run("study", "--demo", "--dry-run", "--json");
  expect(status, stderr).toBe(0);
  const { parts, problems } = JSON.parse(stdout);
  expect(problems).toEqual([]);
  const names = parts.map((p: { dataset: string; model: string }) => `${p.dataset} ${p.model}`);
  expect(names).toEqual(
    ["pbc", "busi"].flatMap((data) => ["vit", "deit", "dino", "swin"].map((model) => `${data} ${model}`)),
  );
});

it("needs its file", async () => {
  expectOneClearLine(await at.run("study", "none.yaml"), /none\.yaml does not exist/);
});

it("is not found where there is none", async () => {
  expectOneClearLine(await at.run("report", "none"), /none holds no study/);
});

/**
 * @file Makes a bundled model again: `npm run model -- pbc-vit --data DIR`. The steps are `vitreous` commands and go on
 * where they were ended; what is left is copied into assets/models with its card.
 */
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { card } from "./card.js";
import { RECIPES } from "./recipes.js";
import { swinFromViT } from "./swin-from-vit.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));

/** What of the last step's folder is shipped. model.onnx is the same weights once more. */
const SHIPPED = ["config.json", "model.safetensors", "preprocessor_config.json", "training.json"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: "string" },
    cells: { type: "string" },
    weights: { type: "string", default: join(root, "assets/models/vit_tiny_patch16_224") },
    work: { type: "string", default: join(root, "out/models") },
    out: { type: "string", default: join(root, "assets/models") },
    threads: { type: "string" },
  },
});
const [name = ""] = positionals;
const recipe = RECIPES[name];
const needsCells = recipe?.steps.some(({ options }) => options.includes("{cells}")) ?? false;
if (recipe === undefined || values.data === undefined || (needsCells && values.cells === undefined)) {
  console.error(
    `usage: npm run model -- NAME --data DIR [--cells DIR] [--weights DIR] [--work DIR] [--out DIR] [--threads N]\nNAME is one of ${Object.keys(RECIPES).join(", ")}; DIR the data set as published (PBC or BUSI); --cells is PBC, which busi-swin needs besides BUSI`,
  );
  process.exit(2);
}

/** @type {typeof import("../../src/cli/run.js")} */
const { run } = await import(new URL("../../dist/cli/run.js", import.meta.url).href);

const out = join(values.out, name);
/** @type {string[]} */
const made = [];
for (const [i, { command, options }] of recipe.steps.entries()) {
  const folder = join(values.work, `${name}-${i + 1}`);
  const given = options.map((option) => filled(option));
  const threads = values.threads === undefined ? [] : ["--threads", values.threads];
  made.push(folder);
  if (command === "swin-from-vit") {
    const [weights = "", depth = ""] = given;
    console.error(`${i + 1}/${recipe.steps.length}: a Swin with the first ${depth} blocks of ${weights}`);
    await swinFromViT(weights, Number(depth), join(root, "assets/images", recipe.data), folder);
    continue;
  }
  console.error(`${i + 1}/${recipe.steps.length}: vitreous ${command} ${given.join(" ")}`);
  const status = await run([command, ...given, ...threads, "--out", folder], { progress: "lines" });
  if (status !== 0) process.exit(status);
}
const last = made.at(-1) ?? "";
await mkdir(out, { recursive: true });
for (const file of SHIPPED) await cp(join(last, file), join(out, file));
const record = JSON.parse(await readFile(join(last, "training.json"), "utf8"));
await writeFile(join(out, "README.md"), card(name, recipe, record));
console.error(`${name}: in ${relative(process.cwd(), out)}`);

/** @param {string} option */
function filled(option) {
  return option.replace(/^\{(.+)\}$/, (_, /** @type {string} */ what) => {
    const step = /^step-(\d+)$/.exec(what);
    if (step) return made[Number(step[1]) - 1] ?? "";
    const other = /^(.+)\/(\d+)$/.exec(what);
    if (other) return existing(join(values.work, `${other[1]}-${other[2]}`), String(other[1]));
    if (what === "data") return String(values.data);
    if (what === "cells") return String(values.cells);
    if (what === "weights") return values.weights;
    return what.endsWith(".json") ? join(here, what) : existing(join(values.out, what), what);
  });
}

/**
 * What another recipe leaves, which must have been made before.
 *
 * @param {string} folder
 * @param {string} model
 */
function existing(folder, model) {
  if (!existsSync(join(folder, "training.json"))) {
    console.error(
      `${name} learns from ${model}, but ${folder} is not there: run npm run model -- ${model} first`,
    );
    process.exit(1);
  }
  return folder;
}

/**
 * @file Which checkpoints can be opened and how near they come to the library that they are from, measured on what
 * test/oracle/checkpoints.py makes, and written as docs/compatibility.md.
 *
 *     node scripts/compatibility.js DIR… [--out FILE] [--only TEXT]
 *
 * A case's figures are kept beside it in measured.json: its weights may be deleted then (they are large for models of
 * the published size), and it still has its row.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gradCam, gradientRollout, openModel } from "../dist/index.js";
import { readSafetensors } from "../dist/models/index.js";
import { tensorToFloat32 } from "../dist/onnx/tensor.js";

/**
 * @typedef {object} Case golden.json of test/oracle/checkpoints.py
 * @property {string} library
 * @property {string} version
 * @property {string} architecture
 * @property {string} variant
 * @property {string} open
 * @property {string | null} arch
 * @property {[number, number] | null} image_size
 * @property {"logits" | "features"} output
 * @property {"vit" | "swin"} family
 * @property {number} prefix_tokens
 * @property {number} [blocks]
 * @property {[number, number]} image
 * @property {number | null} float64_error
 *
 * @typedef {object} Measured errors relative to the largest magnitude; why it could not be measured
 * @property {number} [logits]
 * @property {number} [gradCam]
 * @property {number} [rollout]
 * @property {string} [refused]
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: "string", default: "docs/compatibility.md" }, only: { type: "string" } },
});
if (positionals.length === 0) throw new Error("give the folder that test/oracle/checkpoints.py made");

/** @param {string} folder */
function goldenOf(folder) {
  const file = join(folder, "golden.safetensors");
  const { tensors } = readSafetensors(readFileSync(file), file);
  /** @param {string} name */
  return (name) => {
    const tensor = tensors.get(name);
    return tensor && { dims: tensor.dims, data: tensorToFloat32(tensor) };
  };
}

/** @param {ArrayLike<number>} got @param {ArrayLike<number>} want */
function relativeError(got, want) {
  let [error, scale] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs((got[i] ?? Number.NaN) - (want[i] ?? 0));
    error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(error, difference);
    scale = Math.max(scale, Math.abs(want[i] ?? 0));
  }
  return got.length === want.length ? error / scale : Number.POSITIVE_INFINITY;
}

/** @param {readonly ArrayLike<number>[]} parts */
const joined = (parts) => parts.flatMap((part) => Array.from(part));

/** @param {string} folder @param {Case} wanted @returns {Promise<Measured>} */
async function measure(folder, wanted) {
  const golden = goldenOf(folder);
  const input = golden("input");
  const logits = golden("logits");
  if (input === undefined || logits === undefined) throw new Error(`${folder} has no golden input or logits`);
  const model = await openModel(join(folder, wanted.open), {
    ...(wanted.arch !== null && { arch: wanted.arch }),
    ...(wanted.image_size !== null && { imageSize: wanted.image_size }),
  });
  try {
    const { family, blocks, prefixTokens } = model.anatomy;
    if (wanted.blocks !== undefined) {
      const found = `${family}, ${blocks.length} blocks, ${prefixTokens} prefix tokens`;
      const expected = `${wanted.family}, ${wanted.blocks} blocks, ${wanted.prefix_tokens} prefix tokens`;
      if (found !== expected) return { refused: `anatomy found ${found}, not ${expected}` };
    }
    const [count = 0, channels = 0, height = 0, width = 0] = input.dims;
    const size = channels * height * width;
    const images = Array.from({ length: count }, (_, i) => ({
      data: input.data.slice(i * size, (i + 1) * size),
      ...{ channels, height, width },
    }));
    const cam = golden("gradcam.top");
    const rollout = golden("rollout") ?? golden("rollout.discard0.0");
    const methods = [...(cam ? [gradCam()] : []), ...(rollout ? [gradientRollout({ discard: 0 })] : [])];
    /** @type {import("../dist/index.js").Explanation[]} */
    const results = [];
    for (const [i, image] of images.entries()) {
      const given = await model.fromTensor(image, `image ${i}`);
      results.push(await model.explain(given, methods, { target: "top" }));
    }
    /** @param {number} m */
    const maps = (m) => joined(results.map((r) => r.maps[m]?.values ?? []));
    return {
      logits: relativeError(joined(results.map((r) => r.logits)), logits.data),
      ...(cam && { gradCam: relativeError(maps(0), cam.data) }),
      ...(rollout && { rollout: relativeError(maps(1), rollout.data) }),
    };
  } finally {
    await model.close();
  }
}

/** @param {string} folder @param {Case} wanted @returns {Promise<Measured>} */
async function measured(folder, wanted) {
  const kept = join(folder, "measured.json");
  if (!existsSync(join(folder, wanted.open))) return JSON.parse(readFileSync(kept, "utf8"));
  const result = await measure(folder, wanted).catch((error) => ({ refused: String(error.message) }));
  writeFileSync(kept, `${JSON.stringify(result)}\n`);
  return result;
}

/** @param {number | undefined} error */
const figure = (error) => (error === undefined ? "" : error.toExponential(0));

/** @param {readonly string[]} cells */
const row = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;

const rows = [];
let failures = 0;
for (const root of positionals) {
  for (const name of readdirSync(root).sort()) {
    const folder = join(root, name);
    if (!existsSync(join(folder, "golden.json")) || (values.only && !name.includes(values.only))) continue;
    /** @type {Case} */
    const wanted = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"));
    const result = await measured(folder, wanted);
    const { library, version, architecture, variant, image, output } = wanted;
    const bad =
      result.refused !== undefined ||
      (result.logits ?? 0) > 1e-5 ||
      (result.gradCam ?? 0) > 1e-4 ||
      (result.rollout ?? 0) > 1e-3;
    if (bad) {
      failures++;
      console.error(`${name}: ${JSON.stringify(result)}`);
    }
    const opened = result.refused === undefined;
    rows.push({
      order: [library, architecture, variant].join("\n"),
      text: row([
        ...[`${library} ${version}`, architecture, variant, `${image[0]}×${image[1]}`],
        opened ? `${figure(result.logits)}${output === "features" ? " (features)" : ""}` : "not opened",
        ...[figure(wanted.float64_error ?? undefined), figure(result.gradCam), figure(result.rollout)],
      ]),
    });
  }
}

rows.sort((a, b) => (a.order < b.order ? -1 : 1));
const lines = [
  "# Compatibility of checkpoints",
  "",
  "<!-- Written by scripts/compatibility.js from what was run; not by hand. -->",
  "",
  "Checkpoints with random weights, saved as each library saves them, opened by Vitreous, and compared with what the",
  "library computes: the largest difference of two images' logits (or features, of a model without a classifier),",
  "raw Grad-CAM and rollout without discarding, relative to the largest magnitude. Bounds of the tests: 1e-5, 1e-4, 1e-3.",
  "Own rounding: the library's logits in float32 beside its logits in float64, where it computes in float64 throughout.",
  "",
  row(["library", "architecture", "variant", "image", "logits", "own rounding", "Grad-CAM", "rollout"]),
  row(Array(8).fill("---")),
  ...rows.map(({ text }) => text),
  "",
];
writeFileSync(values.out, lines.join("\n"));
console.error(`${rows.length} checkpoints, ${failures} not as they should be; ${values.out}`);
process.exitCode = failures > 0 ? 1 : 0;

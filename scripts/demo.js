/**
 * @file What `npm start` shows: the main job on a dozen real images with a small real model, all of it from this
 * repository, and a page to look at.
 */
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** @param {readonly string[]} parts */
const path = (...parts) => relative(process.cwd(), join(root, ...parts)) || ".";

/** @type {typeof import("../src/cli/run.js")} */
const { run } = await import(new URL("../dist/cli/run.js", import.meta.url).href);

const model = path("assets", "models", "vit_tiny_patch16_224");
const images = [path("assets", "images", "pbc"), path("assets", "images", "busi")];
const out = path("out", "demo");
const methods = ["--method", "grad-cam", "gradient-rollout"];
const metrics = ["--metric", "insertion:step=1792", "deletion:step=1792"];
const note =
  "The bundled model knows the thousand classes of ImageNet, among which there is no blood cell and no ultrasound image: " +
  "its predictions here are the nearest it has. The page shows what the tool does; it says nothing about these images. " +
  "Images: PBC (Acevedo et al., 2020) and BUSI (Al-Dhabyani et al., 2020), CC BY 4.0; model: timm's vit_tiny_patch16_224, Apache-2.0.";

console.log("1. Heat maps of 12 bundled images: six blood cells (PBC), six ultrasound images (BUSI).\n");
let status = await run(["explain", model, ...images, ...methods, "--out", out], { progress: "lines" });
if (status === 0) {
  console.log("\n2. How faithful the maps are: insertion and deletion, with controls (the longer part).\n");
  const scoring = [
    "evaluate",
    model,
    ...images,
    ...methods,
    ...metrics,
    "--controls",
    "--sheet",
    "--out",
    out,
  ];
  status = await run(scoring, { progress: "lines", sheetNotes: [note] });
}
if (status === 0) {
  const sheet = path("out", "demo", "contact-sheet.html");
  console.log(`\nThe maps and their curves on one page:\n  ${sheet}\n  ${pathToFileURL(sheet).href}`);
}
process.exitCode = status;

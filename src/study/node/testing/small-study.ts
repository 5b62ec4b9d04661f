/** @file A study of little: tiny models on generated pictures, run in a second or two. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { uniform } from "../../../random.js";
import { planStudy } from "../../plan/node/plan-study.js";
import type { StudyWork } from "../../run/types.js";
import type { StudyCheckpoint, StudyDeclaration, StudyModel } from "../../types.js";

const checkpoint = (name: string): StudyCheckpoint => ({
  path: fileURLToPath(
    new URL(`../../../../test/fixtures/checkpoints/transformers-${name}/checkpoint`, import.meta.url),
  ),
  arch: null,
  head: null,
  preprocess: null,
  labels: null,
  imageSize: null,
});

export const smallModel = (id: string, dataset: string, name: string): StudyModel => ({
  id,
  title: id,
  checkpoints: { [dataset]: checkpoint(name) },
});

/** Pictures of noise, `count` of each of three classes that the models have, in a folder that is made. */
export async function writePictures(folder: string, count: number): Promise<void> {
  for (const label of ["LABEL_0", "LABEL_1", "LABEL_2"]) {
    await mkdir(join(folder, label), { recursive: true });
    for (let i = 0; i < count; i++) {
      const next = uniform(Number(label.at(-1)) * 1000 + i);
      const data = Uint8Array.from({ length: 24 * 20 * 3 }, () => Math.floor(next() * 256));
      const png = await sharp(data, { raw: { width: 24, height: 20, channels: 3 } })
        .png()
        .toBuffer();
      await writeFile(join(folder, label, `${i}.png`), png);
    }
  }
}

/** Two models, two methods, two metrics and controls on the pictures of a folder. */
export function smallDeclaration(path: string, changes: Partial<StudyDeclaration> = {}): StudyDeclaration {
  return {
    title: "Small",
    seed: 7,
    datasets: [
      { id: "noise", title: "Noise", path, split: null, splits: null, images: null, select: "stratified" },
    ],
    models: [
      smallModel("vit", "noise", "vitforimageclassification-plain"),
      smallModel("swin", "noise", "swinforimageclassification-plain"),
    ],
    methods: [
      { id: "grad-cam", spec: "grad-cam", parameters: {} },
      { id: "gradient-rollout", spec: "gradient-rollout", parameters: {} },
    ],
    metrics: [
      { id: "insertion", spec: "insertion", parameters: {}, direction: "higher" },
      { id: "deletion", spec: "deletion", parameters: {}, direction: "lower" },
    ],
    class: "top",
    controls: [],
    statistics: { level: 0.95, resamples: 200, test: "wilcoxon", alpha: 0.05, power: 0.8 },
    report: { gallery: 1, misclassified: 1 },
    run: { device: "cpu", batch: 4, unit: 4 },
    ...changes,
  };
}

export async function smallStudy(path: string, changes: Partial<StudyDeclaration> = {}): Promise<StudyWork> {
  const declaration = smallDeclaration(path, changes);
  return { declaration, plan: await planStudy(declaration) };
}

/** @file A study's report with every section, of drawn numbers, on disk for a browser to open. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import sharp from "sharp";
import { sha256OfBytes } from "../../src/api/node/sha256.js";
import { shownCollector } from "../../src/report/study/node/collect-shown.js";
import { writeReport } from "../../src/report/study/node/write-report.js";
import { drawnImages, drawnStudy } from "../../src/report/study/testing/reported-study.js";
import { analyse } from "../../src/study/analysis/analyse.js";
import { launch } from "./chromium.js";

export interface DrawnReport {
  readonly address: string;
  readonly browser: Browser;
  readonly close: () => Promise<void>;
}

/** The report in a folder of its own, and the browser `executable` to open it with. */
export async function drawnReport(executable: string): Promise<DrawnReport> {
  const folder = await mkdtemp(join(tmpdir(), "vitreous-report-"));
  const address = await writeDrawnReport(folder);
  const browser = await launch(executable);
  const close = async (): Promise<void> => {
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { address, browser, close };
}

/** @returns its address */
async function writeDrawnReport(folder: string): Promise<string> {
  const picture = join(folder, "picture.png");
  await sharp({ create: { width: 64, height: 64, channels: 3, background: "#a05090" } }).toFile(picture);
  const sha256 = sha256OfBytes(await readFile(picture));
  const images = drawnImages(["mono", "lympho"], 6).map((image) => ({ ...image, path: picture, sha256 }));
  const models = { "a model of a rather long name": 0.1, vit: 0.2, dino: 0.7 };
  const study = {
    ...drawnStudy({ images: { pbc: images }, models, methods: { "grad-cam": 0.2, rollout: 0.4 } }),
    failures: [
      { dataset: "pbc", model: "vit", image: "0/5.png", method: null, reason: "the file is cut off" },
    ],
  };
  const shown = shownCollector(study);
  for (const row of study.rows()) shown.add(row);
  await writeReport(folder, { analysis: analyse(study), study, version: "1.2.3", ...(await shown.finish()) });
  return pathToFileURL(join(folder, "report.html")).href;
}

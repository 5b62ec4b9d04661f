/** @file Writes a study's page and its figures: SVG for papers that are typeset, PNG for everything else. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { makeFolder, writeFileAtomic } from "../../../imaging/node/atomic.js";
import { standalone } from "../figures/figure.js";
import { allFigures, studyFigures } from "../figures/study-figures.js";
import { studyReport } from "../study-report.js";
import type { StudyReport } from "../types.js";

/** Points a inch: twice a screen's. */
const DENSITY = 144;
/** What this has written for other declarations of the study. */
const OWN = /^(means|curves|images|ranks)-.*\.(svg|png)$/;

/**
 * Writes report.html and figures/ into the study's folder.
 *
 * @throws VitreousError when a file cannot be written
 */
export async function writeReport(folder: string, report: StudyReport): Promise<void> {
  const figures = studyFigures(report.analysis);
  await writeFileAtomic(join(folder, "report.html"), studyReport(report, figures));
  const at = join(folder, "figures");
  await makeFolder(at);
  const written = new Set<string>();
  for (const { name, svg } of allFigures(figures)) {
    const text = standalone(svg);
    await writeFileAtomic(join(at, `${name}.svg`), text);
    await writeFileAtomic(
      join(at, `${name}.png`),
      await sharp(Buffer.from(text), { density: DENSITY }).png({ compressionLevel: 9 }).toBuffer(),
    );
    written.add(`${name}.svg`).add(`${name}.png`);
  }
  for (const name of await readdir(at)) {
    if (OWN.test(name) && !written.has(name)) await rm(join(at, name), { force: true });
  }
}

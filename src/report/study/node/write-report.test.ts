import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256OfBytes } from "../../../api/node/sha256.js";
import { analyse } from "../../../study/analysis/analyse.js";
import { writeResults } from "../../../study/results/node/write-results.js";
import type { StoredStudy } from "../../../study/run/types.js";
import { type DrawnImage, drawnImages, drawnStudy } from "../testing/reported-study.js";
import { shownCollector } from "./collect-shown.js";
import { writeReport } from "./write-report.js";

let folder: string;
let study: StoredStudy;

async function write(): Promise<void> {
  const shown = shownCollector(study);
  for (const row of study.rows()) shown.add(row);
  await writeReport(folder, { analysis: analyse(study), study, version: "1.2.3", ...(await shown.finish()) });
}

/** The same images with pictures on disk. */
async function withPictures(images: readonly DrawnImage[]): Promise<readonly DrawnImage[]> {
  const made: DrawnImage[] = [];
  for (const [i, image] of images.entries()) {
    const path = join(folder, `${i}.png`);
    await sharp({
      create: { width: 40, height: 30, channels: 3, background: { r: 20 * i, g: 90, b: 60 } },
    }).toFile(path);
    made.push({ ...image, path, sha256: sha256OfBytes(await readFile(path)) });
  }
  return made;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "report-"));
  study = drawnStudy({
    images: { pbc: await withPictures(drawnImages(["mono", "lympho"], 4)) },
    models: { vit: 0.1, dino: 0.7 },
    methods: { "grad-cam": 0.2 },
  });
  await write();
});
afterAll(() => rm(folder, { recursive: true }));

const page = (): Promise<string> => readFile(join(folder, "report.html"), "utf8");

describe("a report on disk", () => {
  it("shows pictures with maps over them, small ones", async () => {
    const [, picture = ""] = /alt="" src="data:image\/webp;base64,([^"]+)"/.exec(await page()) ?? [];
    const { width, height, format } = await sharp(Buffer.from(picture, "base64")).metadata();
    expect({ width, height, format }).toEqual({ width: 16, height: 16, format: "webp" });
    const [, heat = ""] =
      /class="heat" alt="" src="data:image\/webp;base64,([^"]+)"/.exec(await page()) ?? [];
    expect((await sharp(Buffer.from(heat, "base64")).metadata()).hasAlpha).toBe(true);
    expect(await page()).not.toContain("The image is not shown");
  });

  it("has its figures beside it as SVG and PNG", async () => {
    const names = await readdir(join(folder, "figures"));
    expect(names.filter((n) => n.endsWith(".svg"))).toHaveLength(names.length / 2);
    expect(names).toContain("ranks-pbc-deletion.png");
    const { format, width } = await sharp(join(folder, "figures", "means-pbc-insertion.png")).metadata();
    expect({ format, wide: width > 500 }).toEqual({ format: "png", wide: true });
  });

  it("is the same the second time; figures of another declaration go, others' files stay", async () => {
    const before = await page();
    await writeFile(join(folder, "figures", "means-old-insertion.svg"), "");
    await writeFile(join(folder, "figures", "mine.svg"), "");
    await write();
    expect(await page()).toBe(before);
    const names = await readdir(join(folder, "figures"));
    expect(names).toContain("mine.svg");
    expect(names).not.toContain("means-old-insertion.svg");
  });

  it("tells nothing of the machine's folders in anything that is made to be passed on", async () => {
    await writeResults(folder, study);
    const names = await readdir(folder, { recursive: true });
    const made = names.filter((name) => /\.(html|svg|csv|parquet|md|tex)$/.test(name));
    expect(made.length).toBeGreaterThan(20);
    for (const name of made) {
      const text = await readFile(join(folder, name), "latin1");
      for (const path of [folder, "/home/me"]) expect(text.includes(path), `${path} in ${name}`).toBe(false);
    }
  });

  it("shows no picture that is another one by now", async () => {
    await sharp({ create: { width: 40, height: 30, channels: 3, background: "red" } }).toFile(
      join(folder, "0.png"),
    );
    await write();
    expect(await page()).toContain("The image file has changed since it was computed on");
  });
});

/** @file A study's report in a real browser, from disk and without a network: on a phone, by its slider, in print. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256OfBytes } from "../../src/api/node/sha256.js";
import { shownCollector } from "../../src/report/study/node/collect-shown.js";
import { writeReport } from "../../src/report/study/node/write-report.js";
import { drawnImages, drawnStudy } from "../../src/report/study/testing/reported-study.js";
import { analyse } from "../../src/study/analysis/analyse.js";
import { findChromium, howToInstall, launch } from "./chromium.js";

const chromium = findChromium();
if (chromium === undefined) {
  if (process.env.CI) throw new Error(howToInstall);
  console.warn(`Skipped: ${howToInstall}`);
}

const PHONE = { width: 390, height: 844 };

describe.skipIf(chromium === undefined)("a study's report in Chromium", () => {
  let folder: string;
  let browser: Browser;
  const complaints: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vitreous-report-"));
    const picture = join(folder, "picture.png");
    await sharp({ create: { width: 64, height: 64, channels: 3, background: "#a05090" } }).toFile(picture);
    const sha256 = sha256OfBytes(await readFile(picture));
    const images = drawnImages(["mono", "lympho"], 6).map((image) => ({ ...image, path: picture, sha256 }));
    const models = { "a model of a rather long name": 0.1, vit: 0.2, dino: 0.7 };
    const study = drawnStudy({ images: { pbc: images }, models, methods: { "grad-cam": 0.2, rollout: 0.4 } });
    const shown = shownCollector(study);
    for (const row of study.rows()) shown.add(row);
    const report = { analysis: analyse(study), study, version: "1.2.3", ...(await shown.finish()) };
    await writeReport(folder, report);
    browser = await launch(chromium ?? "");
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function open(settings: Parameters<Browser["newContext"]>[0]): Promise<Page> {
    const context = await browser.newContext({ ...settings, offline: true });
    const page = await context.newPage();
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (!/^(file|data):/.test(request.url())) complaints.push(request.url());
    });
    await page.goto(pathToFileURL(join(folder, "report.html")).href);
    return page;
  }

  const sideways = (page: Page): Promise<number> =>
    page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

  it.each(["light", "dark"] as const)("fits a phone, %s", async (colorScheme) => {
    const page = await open({ viewport: PHONE, colorScheme });
    expect(await sideways(page)).toBeLessThanOrEqual(0);
    const loaded = await page.evaluate(() =>
      [...document.images].every((image) => image.complete && image.naturalWidth > 0),
    );
    expect(loaded).toBe(true);
    await page.context().close();
  });

  it("fades all heat maps by its slider, and has none without script", async () => {
    const page = await open({ viewport: PHONE });
    const opacity = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.querySelector(".heat") as Element).opacity);
    expect(await opacity()).toBe("0.72");
    await page.locator("#heat-gallery").press("Home");
    expect(await opacity()).toBe("0");
    expect(await page.locator("#heat-wrong").inputValue()).toBe("0");
    await page.context().close();
    const still = await open({ viewport: PHONE, javaScriptEnabled: false });
    expect(await still.locator("#heat-gallery").isVisible()).toBe(false);
    expect(await still.locator(".heat").first().isVisible()).toBe(true);
    await still.context().close();
  });

  it("leads from a number to its source by keys", async () => {
    const page = await open({ viewport: PHONE });
    await page.locator("table.main a[href^='#from-']").first().press("Enter");
    expect(await page.evaluate(() => document.querySelector(":target")?.tagName)).toBe("TR");
    await page.context().close();
  });

  it("prints without what is only for screens", async () => {
    const page = await open({ viewport: { width: 1000, height: 800 } });
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("nav").isVisible()).toBe(false);
    expect(await page.locator(".veil").first().isVisible()).toBe(false);
    expect((await page.pdf({ format: "A4" })).length).toBeGreaterThan(10_000);
    await page.context().close();
  });

  it("asked for nothing and complained of nothing", () => {
    expect(complaints).toEqual([]);
  });
});

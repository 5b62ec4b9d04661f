/** @file A study's report in a real browser, from disk and without a network: on a phone, by its slider, in print. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, howToInstall } from "./chromium.js";
import { type DrawnReport, drawnReport } from "./drawn-report.js";

const chromium = findChromium();
if (chromium === undefined) {
  if (process.env.CI) throw new Error(howToInstall);
  console.warn(`Skipped: ${howToInstall}`);
}

const PHONE = { width: 390, height: 844 };

describe.skipIf(chromium === undefined)("a study's report in Chromium", () => {
  let report: DrawnReport;
  const complaints: string[] = [];

  beforeAll(async () => {
    report = await drawnReport(chromium ?? "");
  }, 300_000);
  afterAll(() => report?.close());

  async function open(settings: Parameters<Browser["newContext"]>[0]): Promise<Page> {
    const context = await report.browser.newContext({ ...settings, offline: true });
    const page = await context.newPage();
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (!/^(file|data):/.test(request.url())) complaints.push(request.url());
    });
    await page.goto(report.address);
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

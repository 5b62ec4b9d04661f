/** @file Whether pages can be read and used without a mouse, without sight, and with little sight. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pretrainingSample } from "../../src/report/testing/sample-pretraining.js";
import { sheetImage, sheetSample } from "../../src/report/testing/sample-sheet.js";
import { trainingSample } from "../../src/report/testing/sample-training.js";
import { audit } from "./axe.js";
import { findChromium, howToInstall, launch } from "./chromium.js";
import { weakContrasts } from "./contrast.js";
import { type DrawnReport, drawnReport } from "./drawn-report.js";

const chromium = findChromium();
if (chromium === undefined) {
  if (process.env.CI) throw new Error(howToInstall);
  console.warn(`Skipped: ${howToInstall}`);
}

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const NARROWEST = { width: 320, height: 640 };
const SEEN = (["light", "dark"] as const).flatMap((colorScheme) =>
  [DESK, PHONE].map((viewport) => ({ colorScheme, viewport, width: viewport.width })),
);

/** All that the Tab key should reach. */
const CONTROLS = "a[href], input, summary, [tabindex='0']";

describe.skipIf(chromium === undefined)("a study's report", { timeout: 300_000 }, () => {
  let report: DrawnReport;

  beforeAll(async () => {
    report = await drawnReport(chromium ?? "");
  }, 300_000);
  afterAll(() => report?.close());

  async function open(settings: Parameters<Browser["newContext"]>[0], hash = ""): Promise<Page> {
    const context = await report.browser.newContext({ ...settings, offline: true, reducedMotion: "reduce" });
    const page = await context.newPage();
    await page.goto(report.address + hash);
    return page;
  }

  const unfold = (page: Page): Promise<void> =>
    page.evaluate(() => {
      for (const folded of document.querySelectorAll("details")) folded.open = true;
    });

  it.each(SEEN)(
    "breaks no rule of WCAG 2.1 A and AA that axe knows, $colorScheme, $width pixels wide",
    async (seen) => {
      const page = await open(seen);
      await unfold(page);
      const { violations, undecided, passed } = await audit(page);
      expect(violations).toEqual([]);
      expect(passed).toEqual(
        expect.arrayContaining(["color-contrast", "image-alt", "label", "bypass", "summary-name"]),
      );
      // Contrasts that axe cannot tell are computed below.
      expect(undecided.filter((rule) => rule !== "color-contrast")).toEqual([]);
      await page.context().close();
    },
  );

  it.each(SEEN)("has contrast enough for every text, $colorScheme, $width pixels wide", async (seen) => {
    const page = await open(seen);
    await unfold(page);
    await page.locator("table.main a[href^='#from-']").first().press("Enter");
    await colorStrongly(page);
    expect(await weakContrasts(page)).toEqual([]);
    await page.context().close();
  });

  it("needs no sideways scrolling at 320 pixels, which is 1280 at four times their size", async () => {
    const page = await open({ viewport: NARROWEST });
    expect(
      await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
    ).toBeLessThanOrEqual(0);
    await page.context().close();
  });

  it.each([DESK, PHONE])(
    "is walked through by Tab in reading order, focus always seen, $width pixels wide",
    async (viewport) => {
      const page = await open({ viewport });
      await unfold(page);
      const names = await page.evaluate(
        (controls) =>
          [...document.querySelectorAll(controls)]
            .filter((control) => control.checkVisibility())
            .map((control, i) => {
              control.setAttribute("data-place", String(i));
              return `${i} ${control.tagName}`;
            }),
        CONTROLS,
      );
      const walked: string[] = [];
      const unseen: string[] = [];
      for (const name of names) {
        await page.keyboard.press("Tab");
        const focus = await focused(page);
        walked.push(`${focus.place} ${focus.tag}`);
        if (focus.outline < 2 || !focus.inView || !focus.onTop)
          unseen.push(`${name} ${JSON.stringify(focus)}`);
      }
      expect(names.length).toBeGreaterThan(60);
      expect(walked).toEqual(names);
      expect(unseen).toEqual([]);
      await page.context().close();
    },
  );

  it("is skipped into, and read on from wherever its list of contents leads", async () => {
    const page = await open({ viewport: DESK });
    await page.keyboard.press("Tab");
    expect(await page.locator(".skip:focus").isVisible()).toBe(true);
    const links = await page.locator("a.skip, nav a").all();
    expect(links.length).toBeGreaterThan(10);
    for (const link of links) {
      await link.press("Enter");
      const hash = await link.getAttribute("href");
      const heading = page.locator(`${hash} h2`);
      // Not under the list of contents, which stays on top.
      expect(
        await heading.evaluate(
          (h) =>
            document.elementFromPoint(h.getBoundingClientRect().x + 1, h.getBoundingClientRect().y + 1) === h,
        ),
      ).toBe(true);
      await page.keyboard.press("Tab");
      const behind = await heading.evaluate(
        (h) =>
          (h.compareDocumentPosition(document.activeElement ?? h) & Node.DOCUMENT_POSITION_FOLLOWING) > 0,
      );
      expect(behind, hash ?? "").toBe(true);
    }
    await page.context().close();
  });

  it("fades the heat maps by arrow keys", async () => {
    const page = await open({ viewport: DESK });
    const slider = page.getByRole("slider", { name: "From picture to heat map, in percent" }).first();
    const picture = page.locator("#gallery .models .lay").first();
    await picture.scrollIntoViewIfNeeded();
    const shots = [await picture.screenshot()];
    for (const key of ["ArrowLeft", "ArrowRight", "ArrowRight", "Home", "End"]) {
      await slider.press(key);
      shots.push(await picture.screenshot());
    }
    const [first, left, back, right, home, end] = shots.map((shot) => shot.toString("base64"));
    expect(back).toBe(first);
    expect(new Set([first, left, right, home, end]).size).toBe(5);
    await page.context().close();
  });

  it("folds and unfolds by keys, and scrolls wide tables by keys", async () => {
    const page = await open({ viewport: PHONE });
    for (const details of await page.locator("details").all()) {
      const isOpen = () => details.evaluate((d) => (d as HTMLDetailsElement).open);
      await details.locator("> summary").press("Enter");
      expect(await isOpen()).toBe(true);
      await details.locator("> summary").press("Space");
      expect(await isOpen()).toBe(false);
    }
    const table = page.getByRole("region", { name: "Scores of all models and methods" });
    await table.press("ArrowRight");
    await expect.poll(() => table.evaluate((region) => region.scrollLeft)).toBeGreaterThan(0);
    await page.context().close();
  });
});

describe.skipIf(chromium === undefined)("the other pages", { timeout: 300_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(chromium ?? "");
  }, 300_000);
  afterAll(() => browser?.close());

  it.each([
    ["a training's report", trainingSample()],
    ["a pretraining's report", pretrainingSample()],
    [
      "a contact sheet",
      sheetSample([sheetImage(), sheetImage({ name: "b.png", label: "dog", target: "dog" })]),
    ],
  ])("%s breaks no rule either, in light and dark, at a desk and on a phone", async (_, html) => {
    for (const seen of SEEN) {
      const context = await browser.newContext({ ...seen, offline: true });
      const page = await context.newPage();
      await page.setContent(html);
      await colorStrongly(page);
      expect((await audit(page)).violations).toEqual([]);
      expect(await weakContrasts(page)).toEqual([]);
      await context.close();
    }
  });
});

/** Cells of a matrix as strongly coloured as they can be. */
const colorStrongly = (page: Page): Promise<void> =>
  page.evaluate(() => {
    for (const cell of document.querySelectorAll<HTMLElement>(".matrix td"))
      cell.style.setProperty("--p", "1");
  });

interface Focus {
  readonly place: string;
  readonly tag: string;
  /** Pixels; 0: there is none. */
  readonly outline: number;
  readonly inView: boolean;
  /** Some of it is covered by nothing. */
  readonly onTop: boolean;
}

const focused = (page: Page): Promise<Focus> =>
  page.evaluate(() => {
    const active = document.activeElement ?? document.body;
    const { outlineStyle, outlineWidth } = getComputedStyle(active);
    const boxes = [...active.getClientRects()];
    const within = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < innerWidth && y < innerHeight;
    const points = boxes.flatMap(({ left, right, top, bottom }) =>
      [0.02, 0.25, 0.5, 0.75, 0.98].flatMap((a) =>
        [0.02, 0.25, 0.5, 0.75, 0.98].map(
          (b) => [left + a * (right - left), top + b * (bottom - top)] as const,
        ),
      ),
    );
    return {
      place: active.getAttribute("data-place") ?? "none",
      tag: active.tagName,
      outline: outlineStyle === "solid" ? Number.parseFloat(outlineWidth) : 0,
      inView: points.some(([x, y]) => within(x, y)),
      onTop: points.some(([x, y]) => active.contains(document.elementFromPoint(x, y))),
    };
  });

/**
 * @file Contrast of every text of a page, of those too that axe-core leaves undecided: text in figures, on gradients, and
 * in what is scrolled by itself. Backgrounds are those of the elements that a text is in, laid over each other.
 */
import type { Page } from "playwright-core";

/** "2.9 of 4.5: text", for each text below WCAG 2.1's least (1.4.3). */
export function weakContrasts(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const [least, leastOfLarge] = [4.5, 3];
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (context === null) throw new Error("there is no canvas");

    /** What is seen where colours of any notation are laid over each other. */
    const seen = (colors: readonly string[]): readonly number[] => {
      for (const color of colors) {
        context.fillStyle = color;
        context.fillRect(0, 0, 1, 1);
      }
      return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (rgb: readonly number[]): number => {
      const [r = 0, g = 0, b = 0] = rgb
        .map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ancestors = (element: Element): readonly Element[] =>
      element.parentElement === null ? [element] : [...ancestors(element.parentElement), element];
    const groundOf = (element: Element): readonly string[] =>
      ancestors(element).flatMap((one) => {
        const { backgroundColor, backgroundImage } = getComputedStyle(one);
        // Gradients of this project's pages that have text on them are of one colour.
        const [gradient] = /(rgb|color)\([^)]*\)/.exec(backgroundImage) ?? [];
        return gradient === undefined ? [backgroundColor] : [backgroundColor, gradient];
      });

    const weak: string[] = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode.textContent?.trim() ?? "";
      const element = texts.currentNode.parentElement;
      if (text === "" || element === null || /^(script|style)$/i.test(element.tagName)) continue;
      if (!element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })) continue;
      const { color, fill, fontSize, fontWeight } = getComputedStyle(element);
      const ground = ["canvas", ...groundOf(element)];
      const back = seen(ground);
      const front = seen([...ground, element instanceof SVGElement ? fill : color]);
      // Whole groups that are drawn thinly.
      const opacity = ancestors(element).reduce(
        (share, one) => share * Number(getComputedStyle(one).opacity),
        1,
      );
      const mixed = front.map((value, i) => opacity * value + (1 - opacity) * (back[i] ?? 0));
      const [dark = 0, light = 0] = [luminance(mixed), luminance(back)].sort((a, b) => a - b);
      const ratio = (light + 0.05) / (dark + 0.05);
      const size = Number.parseFloat(fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(fontWeight) >= 700);
      const wanted = large ? leastOfLarge : least;
      if (ratio < wanted) weak.push(`${ratio.toFixed(2)} of ${wanted}: ${text.slice(0, 60)}`);
    }
    return weak;
  });
}

import { describe, expect, it } from "vitest";
import { COLORMAPS, colormap } from "./colormap.js";
import { coverage, DIFFERENCE_COLORS, differenceLayer, heatLayer, overlay } from "./overlay.js";
import { fitText, textPath, textWidth } from "./text.js";

/** CIE L* of an 8-bit sRGB colour. */
function lightness(r: number, g: number, b: number): number {
  const linear = (v: number): number =>
    v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const y = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y;
}

const picture = (width: number, height: number) => ({
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256),
  width,
  height,
});

describe("colour maps", () => {
  it.each(COLORMAPS)("%s grows lighter all the way, so that it reads without colour vision", (name) => {
    const table = colormap(name);
    const steps = Array.from({ length: 256 }, (_, i) =>
      lightness(table[i * 3] as number, table[i * 3 + 1] as number, table[i * 3 + 2] as number),
    );
    for (let i = 8; i < 256; i += 8) expect(steps[i] as number).toBeGreaterThan(steps[i - 8] as number);
    expect((steps[255] as number) - (steps[0] as number)).toBeGreaterThan(60);
  });

  it("begin and end at the published colours", () => {
    const inferno = colormap("inferno");
    expect([...inferno.subarray(0, 3), ...inferno.subarray(765)]).toEqual([0, 0, 4, 252, 255, 164]);
  });
});

describe("overlays", () => {
  it("leave the picture untouched where the map is 0", () => {
    const image = picture(6, 5);
    expect([...overlay(image, new Float32Array(30)).data]).toEqual([...image.data]);
  });

  it("let the picture show through even where the map is 1", () => {
    const image = picture(6, 5);
    const a = overlay(image, new Float32Array(30).fill(1));
    expect(new Set(a.data).size).toBeGreaterThan(10);
    expect(coverage(1, 0.6)).toBe(0.6);
  });

  it("clamp values outside of [0, 1]", () => {
    const image = picture(2, 1);
    expect([...overlay(image, [7, -3]).data]).toEqual([...overlay(image, [1, 0]).data]);
  });

  it("draw a contour on the border of a region", () => {
    const image = { data: new Uint8Array(25 * 3), width: 5, height: 5 };
    const map = Float32Array.from({ length: 25 }, (_, i) => (i % 5 >= 2 ? 0.9 : 0));
    const drawn = overlay(image, map, { contours: [0.5] });
    const red = (x: number): number => drawn.data[(2 * 5 + x) * 3] as number;
    expect(red(2)).toBeGreaterThan(red(3));
    expect(red(1)).toBe(0);
  });

  it("refuse NaN, a wrong size and an impossible opacity", () => {
    expect(() => overlay(picture(2, 1), [0, Number.NaN])).toThrow("row 0, column 1");
    expect(() => overlay(picture(2, 1), [0])).toThrow(/does not fit/);
    expect(() => overlay(picture(1, 1), [0], { opacity: 2 })).toThrow(/opacity/);
  });
});

describe("captions", () => {
  it("are shortened to their room", () => {
    const long = "a name that is much too long";
    expect(fitText(long, 12, 1000)).toBe(long);
    const short = fitText(long, 12, 80);
    expect(short.endsWith("…")).toBe(true);
    expect(textWidth(short, 12)).toBeLessThanOrEqual(80);
  });

  it("show characters without an outline as a replacement mark, and escape nothing into the SVG", () => {
    expect(textPath("<漢>", 0, 0, 10, "#000")).not.toContain("漢");
    expect(textPath("<&>", 0, 0, 10, "#000").match(/<path/g)).toHaveLength(3);
  });
});

describe("layers to be laid over a picture", () => {
  it("cover nothing where the map is weak, and all where it is strong", () => {
    const layer = heatLayer([0, 1, 2, -1]);
    expect([...layer].filter((_, i) => i % 4 === 3)).toEqual([0, 255, 255, 0]);
    expect([...layer.subarray(4, 7)]).toEqual([...colormap("inferno").subarray(255 * 3)]);
  });

  it("say which of two maps is the stronger, and by how much", () => {
    const { first, second } = DIFFERENCE_COLORS;
    const layer = differenceLayer([1, 0, 0.5], [0, 0.5, 0.5]);
    expect([...layer.subarray(0, 4)]).toEqual([...first, 255]);
    expect([...layer.subarray(4, 8)]).toEqual([...second, 128]);
    expect(layer[11]).toBe(0);
  });
});

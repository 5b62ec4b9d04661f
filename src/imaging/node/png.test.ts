import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodeImage } from "./decode.js";
import { overlayPng, rgbPng } from "./png.js";

const grey = (width: number, height: number, value = 128) => ({
  data: new Uint8Array(width * height * 3).fill(value),
  width,
  height,
});

describe("PNG output", () => {
  it("keeps every pixel", async () => {
    const image = { data: Uint8Array.from({ length: 5 * 4 * 3 }, (_, i) => i * 4), width: 5, height: 4 };
    const back = await decodeImage(await rgbPng(image));
    expect([...back.data]).toEqual([...image.data]);
  });

  it("frames an overlay: picture at a multiple of its size, caption above, scale bar at the right", async () => {
    const map = Float32Array.from({ length: 100 * 80 }, (_, i) => (i % 100) / 99);
    const png = await overlayPng(grey(100, 80), map, { title: "monocyte 98 %", subtitle: "grad-cam" });
    const { width = 0, height = 0 } = await sharp(png).metadata();
    expect(width).toBeGreaterThan(400 + 40);
    expect(height).toBeGreaterThan(320 + 40);
    const { data } = await decodeImage(png);
    const dark = (x0: number, y0: number, x1: number, y1: number): number => {
      let n = 0;
      for (let y = y0; y < y1; y++)
        for (let x = x0; x < x1; x++) if ((data[(y * width + x) * 3] as number) < 100) n++;
      return n;
    };
    // Ink of the title, drawn without any font; the bar's dark lower end.
    expect(dark(16, 10, 200, 40)).toBeGreaterThan(100);
    expect(dark(16 + 400 + 14, height - 60, 16 + 400 + 28, height - 20)).toBeGreaterThan(300);
  });

  it("gives a bare overlay at the picture's own size", async () => {
    const png = await overlayPng(grey(30, 20), new Float32Array(600).fill(0.5), { bare: true });
    const { width, height } = await sharp(png).metadata();
    expect([width, height]).toEqual([30, 20]);
  });

  it("refuses a map of another size", async () => {
    await expect(overlayPng(grey(30, 20), new Float32Array(599))).rejects.toThrow(/does not fit/);
  });
});

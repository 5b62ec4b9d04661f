import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from "./float16.js";

/** The definition: sign · 2^(e−25) · (1024 + m), or sign · 2⁻²⁴ · m. */
function definition(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const mantissa = half & 1023;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

const ALL_HALVES = Array.from({ length: 65536 }, (_, i) => i);
const FINITE = ALL_HALVES.filter((h) => (h & 0x7c00) !== 0x7c00);

describe("float16", () => {
  it("is read exactly, all 65536 of them", () => {
    expect(ALL_HALVES.filter((h) => !Object.is(float16ToFloat32(h), definition(h)))).toEqual([]);
  });

  it("survives a round trip, all but the payloads of NaN", () => {
    expect(FINITE.filter((h) => float32ToFloat16(float16ToFloat32(h)) !== h)).toEqual([]);
    expect(float32ToFloat16(Infinity)).toBe(0x7c00);
    expect(float32ToFloat16(-Infinity)).toBe(0xfc00);
    expect(float16ToFloat32(float32ToFloat16(Number.NaN))).toBeNaN();
  });

  it("rounds half way to the even neighbour", () => {
    const positive = FINITE.filter((h) => h < 0x7bff);
    const wrong = positive.filter((h) => {
      const middle = (definition(h) + definition(h + 1)) / 2;
      return float32ToFloat16(middle) !== (h % 2 === 0 ? h : h + 1);
    });
    expect(wrong).toEqual([]);
    expect(float32ToFloat16(65519.996)).toBe(0x7bff);
    expect(float32ToFloat16(65520)).toBe(0x7c00);
  });

  it("rounds every float32 to the nearest", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -65504, max: 65504 }), (x) => {
        const half = float32ToFloat16(x);
        const error = Math.abs(definition(half) - x);
        for (const other of [half - 1, half + 1]) {
          const value = definition(other & 0xffff);
          if (Number.isFinite(value)) expect(error).toBeLessThanOrEqual(Math.abs(value - x));
        }
      }),
    );
  });
});

describe("bfloat16", () => {
  it("is the upper half of a float32, rounded to nearest even", () => {
    expect(bfloat16ToFloat32(0x3f80)).toBe(1);
    expect(float32ToBfloat16(1)).toBe(0x3f80);
    expect(float32ToBfloat16(1 + 2 ** -8)).toBe(0x3f80);
    expect(float32ToBfloat16(1 + 3 * 2 ** -8)).toBe(0x3f82);
    expect(float32ToBfloat16(-Infinity)).toBe(0xff80);
    expect(bfloat16ToFloat32(float32ToBfloat16(Number.NaN))).toBeNaN();
  });
});

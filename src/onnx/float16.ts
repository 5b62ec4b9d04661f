/**
 * @file Half-precision numbers as bits, for reading and writing fp16 and bf16 weights without a runtime.
 * float16 is IEEE 754 binary16; bfloat16 is the upper half of a float32. Rounding is to nearest, ties to even.
 */

const scratchFloat = new Float32Array(1);
const scratchBits = new Uint32Array(scratchFloat.buffer);

function bitsOf(value: number): number {
  scratchFloat[0] = value;
  return scratchBits[0] ?? 0;
}

function floatOf(bits: number): number {
  scratchBits[0] = bits;
  return scratchFloat[0] ?? 0;
}

/** The float32 bits of a float16's bits: exact, subnormals, infinities and NaN included. */
export function float16ToFloat32Bits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const magnitude = half & 0x7fff;
  if (magnitude >= 0x7c00) return (sign | 0x7f800000 | ((magnitude & 0x3ff) << 13)) >>> 0;
  if (magnitude >= 0x400) return (sign | ((magnitude << 13) + 0x38000000)) >>> 0;
  if (magnitude === 0) return sign >>> 0;
  // A subnormal is mantissa · 2⁻²⁴; its leading one becomes float32's implicit bit.
  const shift = Math.clz32(magnitude) - 21;
  return (sign | ((113 - shift) << 23) | (((magnitude << shift) & 0x3ff) << 13)) >>> 0;
}

export function float16ToFloat32(half: number): number {
  return floatOf(float16ToFloat32Bits(half));
}

/** The nearest float16's bits of a number (first rounded to float32); beyond ±65519.99 it is infinite. */
export function float32ToFloat16(value: number): number {
  const bits = bitsOf(value);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) {
    // The mantissa's lowest kept bit plus 0xfff carries exactly when the dropped 13 bits round up.
    const rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1);
    return sign | (rounded >>> 13);
  }
  if (magnitude <= 0x33000000) return sign;
  const shift = 126 - (magnitude >>> 23);
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const kept = mantissa >>> shift;
  const dropped = mantissa & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + (dropped > half || (dropped === half && (kept & 1) === 1) ? 1 : 0));
}

export function bfloat16ToFloat32(bits: number): number {
  return floatOf((bits << 16) >>> 0);
}

export function float32ToBfloat16(value: number): number {
  const bits = bitsOf(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) & 0x8000) | 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/**
 * @file The whole engine against independent results: every model and export of the corpus, opened as its user would,
 * explained with every method and scored, beside what PyTorch and plain reference code give.
 */
import { describe, expect, it } from "vitest";
import type { Anatomy, WindowInfo } from "../src/anatomy/anatomy.js";
import type { ModelImage } from "../src/api/image.js";
import type { NodeModel } from "../src/api/node/node-model.js";
import { openModel } from "../src/api/node/open.js";
import type { Target } from "../src/api/target.js";
import type { Explanation } from "../src/api/types.js";
import { gradCam } from "../src/explain/grad-cam.js";
import { gradientRollout } from "../src/explain/gradient-rollout.js";
import type { Method } from "../src/explain/method.js";
import { deletion } from "../src/metrics/deletion.js";
import { insertion } from "../src/metrics/insertion.js";
import type { NdArray } from "../src/runtime/runtime.js";
import { joined, relativeError } from "./compare.js";
import { type CorpusExport, type CorpusModel, corpus, golden, goldenFloats } from "./corpus.js";

/** Spearman's rank correlation, mean ranks for ties. */
function rankCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [ranks(a), ranks(b)];
  const mean = (x.length - 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  x.forEach((v, i) => {
    const w = y[i] ?? 0;
    xy += (v - mean) * (w - mean);
    xx += (v - mean) ** 2;
    yy += (w - mean) ** 2;
  });
  return xy / Math.sqrt(xx * yy);
}

function ranks(values: ArrayLike<number>): number[] {
  const order = Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => (values[a] ?? 0) - (values[b] ?? 0),
  );
  const out = new Array<number>(values.length).fill(0);
  for (let i = 0; i < order.length; ) {
    let j = i;
    while (j < order.length && values[order[j] ?? 0] === values[order[i] ?? 0]) j++;
    for (let k = i; k < j; k++) out[order[k] ?? 0] = (i + j - 1) / 2;
    i = j;
  }
  return out;
}

/** The golden input as the model's images: both, in order. */
async function imagesOf(
  model: CorpusModel,
  file: CorpusExport,
  opened: NodeModel,
): Promise<readonly ModelImage[]> {
  const { channels } = opened.anatomy.input;
  const [height, width] = model.image;
  const size = channels * height * width;
  const raw =
    file.layout === "NHWC"
      ? channelsFirst(golden(model, "input_uint8").data, channels)
      : goldenFloats(model, "input");
  return Promise.all(
    [0, 1].map(async (i) => {
      const given = { data: raw.slice(i * size, (i + 1) * size), channels, height, width };
      return opened.fromTensor(given, `${model.name}[${i}]`);
    }),
  );
}

/** [N, H, W, C] bytes → [N, C, H, W] numbers. */
function channelsFirst(data: ArrayLike<number>, channels: number): Float32Array {
  const area = data.length / 2 / channels;
  return Float32Array.from({ length: data.length }, (_, at) => {
    const [n, c, i] = [Math.floor(at / (area * channels)), Math.floor(at / area) % channels, at % area];
    return data[(n * area + i) * channels + c] ?? 0;
  });
}

async function explained(
  opened: NodeModel,
  images: readonly ModelImage[],
  methods: readonly Method[],
  target: Target,
): Promise<readonly Explanation[]> {
  const all: Explanation[] = [];
  for await (const e of opened.explainAll(images, methods, { target })) all.push(e);
  return all;
}

/**
 * The golden rollout; where it assumes windows that the model has not (it pads a shifted grid before rolling it, the
 * model rolls first), the rollout of the golden attention and gradients over the model's own windows, once the same
 * arithmetic over the assumed windows has given the golden.
 */
function expectedSwinRollout(model: CorpusModel, anatomy: Anatomy): Float32Array {
  const want = goldenFloats(model, "rollout");
  const differs = anatomy.blocks.some(
    ({ windows }) => windows && paddedFirst(windows).join() !== windows.slots.join(),
  );
  if (model.rolloutWindows === "model" || !differs) return want;
  const method = gradientRollout({ discard: 0 });
  const taps = Object.fromEntries(anatomy.blocks.map((block, l) => [block.name, fused(model, l)]));
  const assumed = {
    ...anatomy,
    blocks: anatomy.blocks.map((b) =>
      b.windows ? { ...b, windows: { ...b.windows, slots: paddedFirst(b.windows) } } : b,
    ),
  };
  const under = (a: Anatomy): Float32Array => joined(method.maps(taps, a, 2).map((m) => m.values));
  expect(relativeError(under(assumed), want)).toBeLessThanOrEqual(1e-5);
  return under(anatomy);
}

/** Slots of windows on a grid that is padded first and rolled afterwards. */
function paddedFirst({ window, shift, grid, padded }: WindowInfo): Int32Array {
  const [wh, ww] = window;
  const slots: number[] = [];
  for (let top = 0; top < padded[0]; top += wh) {
    for (let left = 0; left < padded[1]; left += ww) {
      for (let i = 0; i < wh * ww; i++) {
        const y = (top + Math.floor(i / ww) + shift[0]) % padded[0];
        const x = (left + (i % ww) + shift[1]) % padded[1];
        slots.push(y < grid[0] && x < grid[1] ? y * grid[1] + x : -1);
      }
    }
  }
  return Int32Array.from(slots);
}

/** relu(mean over heads of golden attention ⊙ gradient) of block l: [images·windows, n, n]. */
function fused(model: CorpusModel, l: number): NdArray {
  const attention = golden(model, `attention.${l}`);
  const gradient = goldenFloats(model, `attention_grad.${l}`);
  const [matrices = 0, heads = 0, n = 0] = attention.dims;
  const area = n * n;
  const data = new Float32Array(matrices * area);
  for (let m = 0; m < matrices; m++) {
    for (let i = 0; i < area; i++) {
      let sum = 0;
      for (let h = 0; h < heads; h++) {
        const at = (m * heads + h) * area + i;
        sum += (attention.data[at] ?? 0) * (gradient[at] ?? 0);
      }
      data[m * area + i] = Math.max(0, sum / heads);
    }
  }
  return { dtype: "float32", dims: [matrices, n, n], data };
}

/** float16 weights move everything by their own rounding. */
const tolerances = (half: boolean) =>
  half
    ? { logits: 5e-3, cam: 5e-2, rollout: 5e-2, rank: 0.99, curve: 5e-3, auc: 5e-3 }
    : { logits: 1e-5, cam: 1e-4, rollout: 1e-3, rank: 0.9999, curve: 1e-5, auc: 1e-6 };

describe.each(corpus())("$name", (model) => {
  const floating = model.exports.filter((e) => !e.quantized);

  it.each(floating)("$name: logits, Grad-CAM and rollouts are PyTorch's", async (file) => {
    const opened = await openModel(file.path);
    const limit = tolerances(file.half);
    try {
      const images = await imagesOf(model, file, opened);
      const swin = model.family === "swin";
      const methods = swin
        ? [gradCam(), gradientRollout({ discard: 0 })]
        : [
            gradCam(),
            gradientRollout(),
            gradientRollout({ discard: 0 }),
            gradientRollout({ compat: "vit-explain" }),
          ];
      const top = await explained(opened, images, methods, "top");
      expect(top.map((e) => e.target?.index)).toEqual(model.classes);
      expect(
        relativeError(joined(top.map((e) => e.logits)), goldenFloats(model, "logits")),
      ).toBeLessThanOrEqual(limit.logits);
      const maps = (m: number): Float32Array => joined(top.map((e) => e.maps[m]?.values ?? []));
      expect(relativeError(maps(0), goldenFloats(model, "gradcam.top"))).toBeLessThanOrEqual(limit.cam);
      // pytorch-grad-cam resizes with OpenCV: half-pixel bilinear like ours, so image size adds only rounding.
      const sized = joined(top.map((e) => e.maps[0]?.atImageSize() ?? []));
      expect(relativeError(sized, goldenFloats(model, "gradcam_pgc.top"))).toBeLessThanOrEqual(2 * limit.cam);
      // vit-explain's own function has one class token: models with more prefix tokens, or none, have no such golden.
      const names = swin
        ? ["rollout"]
        : ["rollout.discard0.9", "rollout.discard0.0", "rollout_vit_explain.discard0.9"].filter((n) =>
            model.golden().has(n),
          );
      names.forEach((name, i) => {
        const want =
          name === "rollout" ? expectedSwinRollout(model, opened.anatomy) : goldenFloats(model, name);
        expect(relativeError(maps(i + 1), want), name).toBeLessThanOrEqual(limit.rollout);
        const per = want.length / 2;
        for (const k of [0, 1]) {
          const [a, b] = [maps(i + 1), want].map((v) => v.subarray(k * per, (k + 1) * per));
          expect(rankCorrelation(a ?? [], b ?? []), `${name} rank`).toBeGreaterThan(limit.rank);
        }
      });
      if (swin) for (const e of top) expect(e.maps[1]?.values.reduce((s, v) => s + v, 0)).toBeCloseTo(1, 5);

      const [first, second] = model.second;
      const seconds = [];
      for (const [i, index] of [first ?? 0, second ?? 0].entries()) {
        seconds.push(...(await explained(opened, images.slice(i, i + 1), [gradCam()], index)));
      }
      const cams = joined(seconds.map((e) => e.maps[0]?.values ?? []));
      expect(relativeError(cams, goldenFloats(model, "gradcam.second"))).toBeLessThanOrEqual(limit.cam);
    } finally {
      await opened.close();
    }
  });

  it.each(model.exports.slice(0, 2))("$name: insertion and deletion are RISE's", async (file) => {
    const opened = await openModel(file.path);
    const limit = tolerances(file.half || file.quantized);
    try {
      const images = await imagesOf(model, file, opened);
      const area = model.image[0] * model.image[1];
      const saliency = goldenFloats(model, "saliency");
      for (const [i, image] of images.entries()) {
        const map = { method: "saliency", values: saliency.slice(i * area, (i + 1) * area) };
        const index = model.classes[i] ?? 0;
        const metrics = [insertion({ step: model.step }), deletion({ step: model.step })];
        const scores = await opened.score(image, [map], metrics, { classes: [index] });
        for (const score of scores) {
          if (file.quantized) {
            expect(score.auc).toBeGreaterThan(0);
            continue;
          }
          const want = golden(model, `${score.metric}.curve`).data;
          const points = want.length / 2;
          expect(score.curve.length).toBe(points);
          const off = score.curve.map((v, k) => Math.abs(v - (want[i * points + k] ?? 0)));
          expect(Math.max(...off), score.metric).toBeLessThanOrEqual(limit.curve);
          expect(
            Math.abs(score.auc - (golden(model, `${score.metric}.auc`).data[i] ?? 0)),
          ).toBeLessThanOrEqual(limit.auc);
        }
      }
    } finally {
      await opened.close();
    }
  });

  const quantised = model.exports.filter((e) => e.quantized);
  if (quantised.length > 0) {
    it.each(quantised)("$name: gradient methods refuse it and say why", async (file) => {
      const opened = await openModel(file.path);
      try {
        const images = await imagesOf(model, file, opened);
        await expect(explained(opened, images, [gradCam()], "top")).rejects.toThrowError(/quantised/);
      } finally {
        await opened.close();
      }
    });
  }
});

/**
 * @file The plan shared by Insertion and Deletion: from one image, pixels are exchanged for another image's in
 * order of importance, `step` at a time. Both metrics are the same walk between the clean image and a baseline in
 * opposite directions, so inputs are keyed by the set of pixels that are not clean: equal sets are run once,
 * whichever method, metric or tie order asked for them.
 */

import { VitreousError } from "../onnx/errors.js";
import { mix } from "../random.js";
import { auc } from "./auc.js";
import { type Baseline, baselineImage, baselineKey } from "./baseline.js";
import type { EvaluationPlan, MetricScore, MetricSubject } from "./metric.js";
import { patchOrder, pixelOrder, shuffleTies, tiedFraction } from "./order.js";

export interface PerturbationOptions {
  /** "delete": clean → baseline. "insert": baseline → clean. */
  readonly direction: "delete" | "insert";
  readonly baseline: Baseline;
  /** Pixels exchanged between two points of the curve. */
  readonly step: number;
  /** "pixel": by the map at image size; "patch": whole patches of the token grid. */
  readonly order: "pixel" | "patch";
  /** How many random tie orders to run beside the stable one, for the expectation and the range. */
  readonly ties: number;
}

/** Whether a plan with these options draws from the subject's seed. */
export function drawsFromSeed({ baseline, ties }: Pick<PerturbationOptions, "baseline" | "ties">): boolean {
  return baseline === "noise" || ties > 0;
}

/** ⌈HW/step⌉ + 1 points of each tie order: the stable one first. */
export function perturbationPlan(subject: MetricSubject, options: PerturbationOptions): EvaluationPlan {
  const { data, channels, height, width } = subject.image;
  const area = height * width;
  const points = Math.ceil(area / options.step) + 1;
  const stable = rank(subject, options);
  const walks = [stable.pixels];
  for (let k = 0; k < options.ties; k++) walks.push(shuffleTies(stable, mix(k + 1, subject.seed)).pixels);
  const keys = walks.map((pixels) =>
    walkKeys(pixels, points, options, baselineKey(options.baseline, subject)),
  );

  let state: Float32Array | undefined;
  let other: Float32Array | undefined;
  let walk = 0;
  let done = 0;

  return {
    count: points * walks.length,
    parameters: { step: options.step, baseline: options.baseline, order: options.order, ties: options.ties },
    shared: [0, points - 1],
    key: (index) => keys[Math.floor(index / points)]?.[index % points] ?? "",
    write(index, target) {
      const wanted = Math.min((index % points) * options.step, area);
      const wantedWalk = Math.floor(index / points);
      other ??= baselineImage(options.baseline, subject);
      const [from, to] = options.direction === "delete" ? [data, other] : [other, data];
      if (state === undefined || wantedWalk !== walk || wanted < done) {
        state = from.slice();
        walk = wantedWalk;
        done = 0;
      }
      const pixels = walks[walk] ?? stable.pixels;
      for (let c = 0; c < channels; c++) {
        const offset = c * area;
        for (let i = done; i < wanted; i++) {
          const at = offset + (pixels[i] ?? 0);
          state[at] = to[at] ?? 0;
        }
      }
      done = wanted;
      target.set(state);
      // The last point of the last walk ends the plan: give the image-sized buffers back at once.
      if (index === points * walks.length - 1) {
        state = undefined;
        other = undefined;
      }
    },
    score: (probabilities) => scoreWalks(probabilities, points, walks.length, options, tiedFraction(stable)),
  };
}

function rank(subject: MetricSubject, options: PerturbationOptions) {
  const { height, width } = subject.image;
  if (options.order === "pixel") return pixelOrder(subject.map);
  if (subject.grid === undefined)
    throw new VitreousError(
      "order=patch ranks the patches of the model's token grid, and none was recognised in this model: use order=pixel",
    );
  return patchOrder(subject.map, [height, width], subject.grid);
}

/** Zobrist hashing: a set's key is the XOR of its members' hashes, so it is updated in one step and ignores order. */
function walkKeys(
  pixels: Int32Array,
  points: number,
  options: PerturbationOptions,
  baseline: string,
): readonly string[] {
  let high = 0;
  let low = 0;
  const toggle = (pixel: number): void => {
    high ^= mix(pixel, 0x9e3779b9);
    low ^= mix(pixel, 0x7f4a7c15);
  };
  let unclean = 0;
  if (options.direction === "insert") {
    for (const pixel of pixels) toggle(pixel);
    unclean = pixels.length;
  }
  const keys: string[] = [];
  let done = 0;
  for (let point = 0; point < points; point++) {
    const wanted = Math.min(point * options.step, pixels.length);
    for (; done < wanted; done++) toggle(pixels[done] ?? 0);
    const count = options.direction === "insert" ? unclean - done : done;
    keys.push(
      count === 0 ? "clean" : `${baseline}:${count}:${(high >>> 0).toString(36)}${(low >>> 0).toString(36)}`,
    );
  }
  return keys;
}

function scoreWalks(
  probabilities: Float64Array,
  points: number,
  walks: number,
  options: PerturbationOptions,
  tied: number,
): MetricScore {
  const curve = Array.from(probabilities.subarray(0, points));
  const area = auc(curve);
  const clean = (options.direction === "delete" ? curve[0] : curve[points - 1]) ?? 0;
  const notes: string[] = [];
  const extra: Record<string, number> = { p0: clean, tied_fraction: tied };
  if (clean > 0) extra.auc_over_p0 = area / clean;
  else notes.push("auc_over_p0 is undefined: the clean image's probability of the class is 0");
  if (walks > 1) {
    const areas = Array.from({ length: walks }, (_, k) =>
      auc(probabilities.subarray(k * points, (k + 1) * points)),
    );
    // The expectation is over random orders; the stable order is one particular order, not a sample.
    const sampled = areas.slice(1);
    extra.auc_tie_expectation = sampled.reduce((sum, a) => sum + a, 0) / sampled.length;
    extra.auc_tie_min = Math.min(...areas);
    extra.auc_tie_max = Math.max(...areas);
  }
  return { auc: area, curve, extra, notes };
}

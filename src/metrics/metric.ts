/**
 * @file What a metric is: a pure description of the model evaluations it needs, and a function from their results
 * to numbers with a direction. The engine that runs it owns batching, sharing and the model.
 */

/** One image as the model sees it: float32 [channels, height, width], normalised. */
export interface ImageTensor {
  readonly data: Float32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** What an evaluation plan is made from. `map` is [height, width] at image size, any finite scale. */
export interface MetricSubject {
  readonly image: ImageTensor;
  readonly map: Float32Array;
  /** The token grid, where the model has one (for patch-aligned orders). */
  readonly grid?: readonly [number, number];
  /** Seed for everything random; the same seed gives the same plan. */
  readonly seed: number;
  /** The image under RISE's blur, computed once for an image however many metrics ask for it. */
  readonly blurred: () => Float32Array;
  /** Normalised value of a black pixel, per channel (baseline "black"). */
  readonly black: readonly number[];
}

/** The perturbed inputs of one image under one map: written one after the other, in order, into batch buffers. */
export interface EvaluationPlan {
  readonly count: number;
  /** The metric's parameters with what depends on the image settled. */
  readonly parameters: Metric["parameters"];
  /** Identical inputs have identical keys (within one image), whatever metric or method made them: they are run once. */
  key(index: number): string;
  /** Writes perturbed input `index` into `target` (channels·height·width). Called with increasing index, some skipped. */
  write(index: number, target: Float32Array): void;
  /** Which inputs do not depend on the map (a curve's two ends), so that one run of them serves all maps; none by default. */
  readonly shared?: readonly number[];
  /** Scores from the class's softmax probability at each input, in order. */
  score(probabilities: Float64Array): MetricScore;
}

export interface MetricScore {
  /** The headline number (an AUC in [0, 1] for insertion and deletion). */
  readonly auc: number;
  readonly curve: readonly number[];
  /** Further values by name, e.g. auc_over_p0; undefined values are absent with a reason in `notes`. */
  readonly extra: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
}

export interface Metric {
  readonly name: string;
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  readonly direction: "higher" | "lower";
  readonly category: "faithfulness" | "localisation" | "complexity" | "robustness" | "randomisation";
  readonly citation: string;
  /** false: no plan draws from the subject's seed, and no number depends on it. Absent: it may. */
  readonly random?: boolean;
  plan(subject: MetricSubject): EvaluationPlan;
}

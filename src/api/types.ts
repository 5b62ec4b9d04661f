/** @file What an opened model takes and gives: settings, explanations, scores. */
import type { Parameters, TokenMap } from "../explain/method.js";
import type { Metric, MetricScore } from "../metrics/metric.js";
import type { ModelImage } from "./image.js";
import type { Prediction } from "./prediction.js";
import type { TargetChoice } from "./target.js";

export interface RunSettings {
  /** Images run at once; default 8, and always 1 for a model that takes no more. */
  readonly batch?: number;
  readonly signal?: AbortSignal;
  /** Called as images (explain) or perturbed inputs (score) are done, with their number so far. */
  readonly onProgress?: (done: number) => void;
}

export interface ExplainSettings extends RunSettings {
  /** "top" (default), an index, a label, "A-B", "true", or as data. */
  readonly target?: TargetChoice | string;
}

export interface ExplanationMap extends TokenMap {
  /** The method as the command line writes it. */
  readonly method: string;
  /** With every "auto" settled. */
  readonly parameters: Parameters;
  /** At image size [height, width], in [0, 1]; computed anew at each call. */
  readonly atImageSize: () => Float32Array;
}

export interface Explanation {
  readonly image: ModelImage;
  /** The features, for a model without a classifier. */
  readonly logits: Float32Array;
  /** Empty for a model without a classifier. */
  readonly predictions: readonly Prediction[];
  /** What was explained: z[index], or z[index] − z[minus]; undefined for a model without a classifier. */
  readonly target: { readonly index: number; readonly minus?: number } | undefined;
  readonly maps: readonly ExplanationMap[];
}

/** A map to score: at image size, [height, width], any finite scale. */
export interface MapToScore {
  readonly method: string;
  readonly values: Float32Array;
}

export interface ScoreItem {
  readonly image: ModelImage;
  readonly maps: readonly MapToScore[];
  /** Classes whose probability is followed; default: the predicted class, and the true one where it differs. */
  readonly classes?: readonly number[];
  /** The clean image's logits where they are known, so that it is not run again. */
  readonly logits?: Float32Array;
  /** Logits of further inputs that are known, by the metrics' own keys (as from endpointsAll): they are not run again. */
  readonly known?: ReadonlyMap<string, Float32Array>;
  /** The image under RISE's blur where it is kept, so that it is not blurred again. */
  readonly blurred?: () => Float32Array;
}

export interface Score extends MetricScore {
  readonly method: string;
  readonly metric: string;
  readonly parameters: Metric["parameters"];
  readonly direction: Metric["direction"];
  /** Index of the class whose probability the curve follows. */
  readonly class: number;
}

/** What metrics run of an image whatever the map is. */
export interface Endpoints {
  readonly image: ModelImage;
  /** Logits by the metrics' own keys. */
  readonly known: ReadonlyMap<string, Float32Array>;
}

export interface ScoredImage {
  readonly item: ScoreItem;
  readonly logits: Float32Array;
  readonly scores: readonly Score[];
}

export interface ModelFacts {
  readonly name: string;
  readonly sha256?: string;
  /** SHA-256 of the configuration files beside it, one after the other: with `sha256`, of all that says what it is. */
  readonly configuration?: string;
  readonly labels: readonly string[];
  /** A black pixel in normalised space, per channel. */
  readonly black: readonly number[];
  /** Seed for random baselines, tie orders and controls; recorded. */
  readonly seed: number;
}

/**
 * @file Everything a study's report says, as plain data: numbers with their intervals, what was tested and how it came
 * out, and the answer in words. Made from the score rows alone, so that a figure, a table and a sentence never differ,
 * and so that whoever doubts one can make it again from scores.parquet.
 */
import type { StudyFailure, StudyStatistics } from "../types.js";

/** Lists are in the declaration's order: data sets, models, methods (controls behind), metrics, images. */
export interface StudyAnalysis {
  readonly title: string;
  readonly settings: StudyStatistics & { readonly seed: number; readonly class: string };
  readonly datasets: readonly DatasetFacts[];
  readonly models: readonly { readonly id: string; readonly title: string }[];
  readonly methods: readonly MethodFacts[];
  readonly metrics: readonly MetricFacts[];
  readonly answer: Answer;
  /** What a reader has to know before believing the rest: small sets, failed controls, missing labels, … One sentence each. */
  readonly warnings: readonly string[];
  readonly accuracy: readonly Accuracy[];
  readonly confusion: readonly Confusion[];
  readonly cells: readonly CellGroup[];
  readonly comparisons: readonly Comparison[];
  readonly rankings: readonly Ranking[];
  readonly agreements: readonly Agreement[];
  readonly detectability: readonly Detectability[];
  /** Scores without a value, of all cells together. */
  readonly undefinedScores: UndefinedCount;
  readonly failures: readonly StudyFailure[];
}

export interface DatasetFacts {
  readonly id: string;
  readonly title: string;
  /** All of the study; `CellGroup.values` has an entry for each, in this order. */
  readonly images: readonly ImageFacts[];
  /** Independent groups (patients, near-duplicates); an image without one is its own. */
  readonly groups: number;
  /** The data set's classes; empty where nothing is labelled. */
  readonly classes: readonly string[];
}

export interface ImageFacts {
  readonly name: string;
  readonly sha256: string;
  readonly group: string | null;
  readonly label: string | null;
}

export interface MethodFacts {
  readonly id: string;
  readonly control: boolean;
}

export interface MetricFacts {
  readonly id: string;
  /** What readers see: "Insertion" for "insertion:step=1792", as long as no other metric would be called so. */
  readonly title: string;
  readonly direction: "higher" | "lower";
  /** Computed from others of the same image and map ("insertion - deletion"), not measured; has no curves. */
  readonly derived: boolean;
}

/** A row of the table. */
export interface RowKey {
  readonly model: string;
  readonly method: string;
}

/** A column of the table. */
export interface ColumnKey {
  readonly dataset: string;
  readonly metric: string;
}

export interface UndefinedCount {
  readonly count: number;
  /** Most frequent first. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
}

/** A mean over images with its BCa bootstrap interval, resampled by group. null with the reason where there is none. */
export interface Estimate {
  readonly mean: number | null;
  readonly interval: readonly [number, number] | null;
  /** Images with a value. */
  readonly n: number;
  /** Independent groups among them. */
  readonly groups: number;
  readonly reason?: string;
}

/** One entry of the table: a model and method on a data set by a metric. Those of controls too. */
export interface CellGroup extends RowKey, ColumnKey {
  readonly control: boolean;
  readonly score: Estimate;
  /** Each image's score, as `DatasetFacts.images`; null: undefined, or no row. */
  readonly values: readonly (number | null)[];
  readonly spread: Spread | null;
  /** Score ÷ the class's probability for the image as it is (AUC/p₀); null for derived metrics. */
  readonly relative: Estimate | null;
  /** Apart for images that the model gets right and wrong; null where no image is labelled. */
  readonly right: Estimate | null;
  readonly wrong: Estimate | null;
  readonly undefinedScores: UndefinedCount;
  readonly standing: Standing;
  /** null for derived metrics, and where curves differ in their number of points. */
  readonly curve: CurveSummary | null;
}

/** Over images. */
export interface Spread {
  readonly deviation: number;
  /** Minimum, lower quartile, median, upper quartile, maximum. */
  readonly quantiles: readonly [number, number, number, number, number];
}

/**
 * Among the rows of its column, without controls. "best": significantly better than each other row, which alone is set
 * in bold; "leading": the best mean, but some other cannot be told from it; "level": cannot be told from the one with
 * the best mean; "worse": significantly worse than that one; "alone": there is no other; "none": no value, or a control.
 */
export type Standing = "best" | "leading" | "level" | "worse" | "alone" | "none";

/** Point i of `points` is at the share i/(points − 1) of pixels exchanged. All arrays have `points` entries. */
export interface CurveSummary {
  readonly points: number;
  readonly n: number;
  readonly mean: readonly number[];
  /** Pointwise interval of the mean: normal, its variance by groups; null for fewer than two groups. */
  readonly interval: { readonly lower: readonly number[]; readonly upper: readonly number[] } | null;
  /** Half of the images' curves lie between. */
  readonly quartiles: { readonly lower: readonly number[]; readonly upper: readonly number[] };
}

/** Share of images whose predicted class is the true one, with Wilson's interval; null where nothing is labelled. */
export interface Accuracy {
  readonly dataset: string;
  readonly model: string;
  readonly images: number;
  readonly unlabelled: number;
  readonly correct: number;
  readonly accuracy: number | null;
  readonly interval: readonly [number, number] | null;
}

/** counts[i][j]: images of true class labels[i] that were taken for predicted[j]. True classes come first in `predicted`. */
export interface Confusion {
  readonly dataset: string;
  readonly model: string;
  readonly labels: readonly string[];
  readonly predicted: readonly string[];
  readonly counts: readonly (readonly number[])[];
}

/**
 * Two rows on the same images. "methods": two methods on one model; "models": two models under one method; "rows": any
 * two rows, which decides what is best; "controls": a method and a control on one model. Differences are averaged
 * within groups first; Holm's correction is over all comparisons of one kind in one column.
 */
export interface Comparison extends ColumnKey {
  readonly kind: "methods" | "models" | "rows" | "controls";
  readonly a: RowKey;
  readonly b: RowKey;
  /** Images that have both scores, and groups of them. */
  readonly n: number;
  readonly groups: number;
  /** Mean of a − b, in the metric's own unit and sign, with its interval. */
  readonly difference: Estimate;
  /** "a" or "b": which has the better mean; null where both are equal or there is none. */
  readonly better: "a" | "b" | null;
  readonly test: TestResult | null;
  /** Why there is no test. */
  readonly reason?: string;
  readonly effect: EffectSize | null;
  /** Smallest true mean difference that would be found with the declared power, at alpha ÷ the family's size. */
  readonly detectable: number | null;
}

export interface TestResult {
  readonly name: "wilcoxon" | "permutation";
  readonly statistic: number;
  readonly p: number;
  /** After Holm; what `significant` goes by. */
  readonly adjusted: number;
  /** Comparisons that were corrected for together. */
  readonly family: number;
  readonly significant: boolean;
  /** How p was found. */
  readonly computation: "exact" | "asymptotic" | "monte-carlo";
}

export interface EffectSize {
  /** Matched-pairs rank-biserial correlation in [−1, 1]; positive where a's scores are larger. */
  readonly rankBiserial: number | null;
  /** Mean ÷ standard deviation of the differences; positive where a's scores are larger. */
  readonly standardised: number | null;
  /** Standard deviation of the differences, in the metric's unit. */
  readonly deviation: number | null;
  /** Share of groups in which a is better than b, ties half, in [0, 1]. */
  readonly wins: number;
}

/** Friedman's test of all rows, and Nemenyi's critical difference of their mean ranks. Rank 1 is best. */
export interface Ranking {
  /** null: the images of all data sets together. */
  readonly dataset: string | null;
  readonly metric: string;
  /** Best first. */
  readonly entries: readonly (RowKey & { readonly rank: number })[];
  /** Groups in which every row has a score. */
  readonly blocks: number;
  readonly friedman: FriedmanResult | null;
  /** Mean ranks that differ by less cannot be told apart; null with the reason. */
  readonly criticalDifference: number | null;
  /** Maximal runs [first, last] of `entries` that cannot be told apart, two or more long. */
  readonly cliques: readonly (readonly [number, number])[];
  readonly reason?: string;
}

export interface FriedmanResult {
  /** χ², with `df` degrees of freedom. */
  readonly statistic: number;
  readonly df: number;
  /** Of Iman and Davenport's F where it is defined, else of χ². */
  readonly p: number;
  /** Kendall's W in [0, 1]: how far the images agree on the order. */
  readonly w: number;
}

/** Do two metrics (on one data set), or two data sets (by one metric), order the rows alike? Better is larger for all. */
export interface Agreement {
  readonly kind: "metrics" | "datasets";
  /** The data set of two metrics, the metric of two data sets. */
  readonly within: string;
  readonly a: string;
  readonly b: string;
  /** Rows with both means. */
  readonly n: number;
  readonly kendall: { readonly value: number; readonly p: number | null } | null;
  readonly spearman: { readonly value: number; readonly p: number | null } | null;
  readonly reason?: string;
}

/**
 * How fine a data set can tell rows apart: over all comparisons of two rows of a column, at alpha ÷ their number, since
 * they are corrected for together.
 */
export interface Detectability extends ColumnKey {
  /** Independent groups, in the comparison that has the fewest. */
  readonly groups: number;
  readonly power: number;
  readonly alpha: number;
  /** Median and largest of the smallest detectable mean differences. */
  readonly median: number | null;
  readonly largest: number | null;
  /** Between the best and the worst mean of the column. */
  readonly span: number | null;
  /** No test can reach alpha, or not even the span is detectable. */
  readonly tooSmall: boolean;
  readonly sentence: string;
}

export interface Answer {
  readonly question: string;
  /** One sentence. */
  readonly headline: string;
  readonly confidence: Confidence;
  /** Further sentences, most important first: methods by model, controls, agreement. */
  readonly points: readonly string[];
  readonly datasets: readonly DatasetAnswer[];
}

/** "clear": significantly better than every other row by every metric; "partial": by some; "open": by none. */
export type Confidence = "clear" | "partial" | "open";

export interface DatasetAnswer {
  readonly dataset: string;
  /** The row with the best mean rank over the measured metrics; null where no row has scores by all of them. */
  readonly winner: RowKey | null;
  /** Its mean rank over images, averaged over the measured metrics. */
  readonly meanRank: number | null;
  /** Rows that were ranked. */
  readonly rows: number;
  readonly confidence: Confidence;
  /** Rows that cannot be told from the winner by at least one metric. */
  readonly rivals: readonly RowKey[];
  readonly sentence: string;
}

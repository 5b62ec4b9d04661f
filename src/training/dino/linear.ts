/**
 * @file Linear evaluation: how well classes can be told apart by one linear layer on frozen features. Multinomial
 * logistic regression to convergence (as in Radford et al. 2021) and not eval_linear.py's hundred epochs of SGD: it is
 * convex, so that there is no rate, no schedule and no seed to choose, and features are computed once.
 */
import { dot, type FeatureSet } from "./feature-set.js";
import { minimise, type Smooth } from "./lbfgs.js";

export interface LinearOptions {
  readonly classes: number;
  /** λ of mean cross-entropy + λ/2·‖W‖², of standardised features; biases are free. */
  readonly decay: number;
  /** Greatest part of the gradient where it ends; 1e-5 by default. */
  readonly tolerance?: number;
  /** 1000 by default. */
  readonly iterations?: number;
  /** Weights to begin with. */
  readonly from?: LinearModel | undefined;
  readonly signal?: AbortSignal;
}

export interface LinearModel {
  /** [classes, width + 1], the bias last, of features standardised by `mean` and `scale`. */
  readonly weights: Float64Array;
  readonly mean: Float64Array;
  /** 1 / standard deviation; 1 where a feature is always the same. */
  readonly scale: Float64Array;
  readonly converged: boolean;
}

interface Standard {
  readonly mean: Float64Array;
  readonly scale: Float64Array;
}

function standardOf({ values, width, labels }: FeatureSet): Standard {
  const mean = new Float64Array(width);
  const squares = new Float64Array(width);
  const n = labels.length;
  values.forEach((v, i) => {
    mean[i % width] = (mean[i % width] as number) + v / n;
  });
  values.forEach((v, i) => {
    const k = i % width;
    squares[k] = (squares[k] as number) + (v - (mean[k] as number)) ** 2 / n;
  });
  return { mean, scale: squares.map((s) => (s > 0 ? 1 / Math.sqrt(s) : 1)) };
}

/** Standardised, with a 1 behind each row for the bias. */
function designOf(values: Float32Array, width: number, { mean, scale }: Standard): Float32Array {
  const count = values.length / width;
  const out = new Float32Array(count * (width + 1)).fill(1);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < width; k++) {
      out[i * (width + 1) + k] =
        ((values[i * width + k] as number) - (mean[k] as number)) * (scale[k] as number);
    }
  }
  return out;
}

/** Writes the row's probabilities; gives log Σ exp. */
function softmaxInto(p: Float64Array): number {
  const top = p.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let total = 0;
  for (let c = 0; c < p.length; c++) {
    p[c] = Math.exp((p[c] as number) - top);
    total += p[c] as number;
  }
  for (let c = 0; c < p.length; c++) p[c] = (p[c] as number) / total;
  return top + Math.log(total);
}

function regression(
  design: Float32Array,
  labels: readonly number[],
  classes: number,
  length: number,
  decay: number,
): Smooth {
  const n = labels.length;
  return (weights, gradient) => {
    gradient.fill(0);
    const p = new Float64Array(classes);
    let loss = 0;
    for (const [i, label] of labels.entries()) {
      for (let c = 0; c < classes; c++) p[c] = dot(weights, c * length, design, i * length, length);
      const own = p[label] ?? 0;
      loss += (softmaxInto(p) - own) / n;
      for (let c = 0; c < classes; c++) {
        const error = ((p[c] as number) - (c === label ? 1 : 0)) / n;
        for (let k = 0, at = c * length, from = i * length; k < length; k++, at++, from++) {
          gradient[at] = (gradient[at] as number) + error * (design[from] as number);
        }
      }
    }
    for (let at = 0; at < weights.length; at++) {
      if (at % length === length - 1) continue;
      const w = weights[at] as number;
      gradient[at] = (gradient[at] as number) + decay * w;
      loss += (decay / 2) * w * w;
    }
    return loss;
  };
}

/** Trains the layer. @throws the signal's reason when it is aborted */
export async function linearModel(train: FeatureSet, options: LinearOptions): Promise<LinearModel> {
  const { classes, decay, tolerance = 1e-5, iterations = 1000, from, signal } = options;
  const standard = standardOf(train);
  const length = train.width + 1;
  const design = designOf(train.values, train.width, standard);
  const { at, converged } = await minimise(
    regression(design, train.labels, classes, length, decay),
    from?.weights ?? new Float64Array(classes * length),
    { tolerance, iterations, ...(signal && { signal }) },
  );
  return { ...standard, weights: at, converged };
}

/** Logits [images, classes] of features [images, width]. */
export function linearLogits({ weights, ...standard }: LinearModel, values: Float32Array): Float32Array {
  const length = standard.mean.length + 1;
  const classes = weights.length / length;
  const design = designOf(values, length - 1, standard);
  return Float32Array.from({ length: (values.length / (length - 1)) * classes }, (_, i) =>
    dot(weights, (i % classes) * length, design, Math.floor(i / classes) * length, length),
  );
}

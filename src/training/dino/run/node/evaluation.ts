/**
 * @file What the features are worth, asked of the parts of a labelled data set: the training images' features are what is
 * voted with and trained on, the validation images choose the weight decay, the test images are asked once.
 */
import type { Preprocessing } from "../../../../imaging/preprocessing.js";
import { evaluationBatches } from "../../../data/batches.js";
import type { ImagePool } from "../../../data/pool.js";
import type { Part } from "../../../data/splits.js";
import {
  type Outcomes,
  type QuickScores,
  quickScores,
  type Scores,
  scoresOf,
} from "../../../metrics/scores.js";
import { better } from "../../../run/loop.js";
import { evaluatePart } from "../../../run/node/evaluate.js";
import type { LabelledData } from "../../../run/node/labelled-data.js";
import type { FeatureSet } from "../../feature-set.js";
import { type KnnClassifier, knnClassifier } from "../../knn.js";
import { type LinearModel, linearLogits, linearModel } from "../../linear.js";
import type { DinoTrainer } from "../../types.js";
import type { PretrainOptions } from "../options.js";
import type { FinalEvaluation, QuickEvaluation } from "../record.js";

/** λ of the linear layers that are tried, from the strongest, with which each next one begins. */
const DECAYS = [1, 0.1, 0.01, 0.001, 0.0001];

export interface FeatureEvaluationPlan {
  readonly data: LabelledData;
  readonly preprocessing: Preprocessing;
  /** [channels, height, width]. */
  readonly dims: readonly [number, number, number];
  readonly pool: ImagePool;
  readonly trainer: Pick<DinoTrainer, "features" | "width">;
  readonly options: Pick<PretrainOptions, "batch" | "neighbours" | "neighbourTemperature" | "seed">;
  readonly onSetAside: (part: Part, index: number, reason: string) => void;
  readonly signal?: AbortSignal;
  readonly onEvaluate?: (part: string, done: number, total: number) => void;
}

interface PartFeatures extends FeatureSet {
  readonly groups: Outcomes["groups"];
}

/** The classifiers on the features as they are, and what they are judged by. */
interface Judges {
  readonly validation: PartFeatures;
  readonly knn: KnnClassifier;
  readonly linear: LinearModel;
  readonly decay: number;
}

export interface FeatureEvaluation {
  /** Of the features as they are now. Throws the signal's reason when it is aborted. */
  quick(): Promise<QuickEvaluation>;
  /** The same with intervals, and on the test images. */
  final(): Promise<FinalEvaluation>;
  /** The features have changed: nothing that is known of them holds any more. */
  forget(): void;
}

export function featureEvaluation(plan: FeatureEvaluationPlan): FeatureEvaluation {
  const { data, preprocessing, dims, pool, trainer, options, signal, onEvaluate } = plan;
  const labels = data.splits.classes;
  const classes = labels.length;
  const length = dims[0] * dims[1] * dims[2];
  let known: Judges | undefined;

  async function featuresOf(part: Part): Promise<PartFeatures> {
    const items = data.parts[part];
    const { outcomes } = await evaluatePart({
      items,
      batches: evaluationBatches({
        items,
        classes,
        preprocessing,
        pool,
        batch: options.batch,
        onSetAside: (index, reason) => plan.onSetAside(part, index, reason),
        ...(signal && { signal }),
      }),
      // Features in the place of logits.
      classes: trainer.width,
      predict: (pixels, count) => trainer.features(pixels.subarray(0, count * length), count),
      onProgress: (done) => onEvaluate?.(`features of ${part} images`, done, items.length),
    });
    const { truth, logits, groups } = outcomes;
    return { values: logits, width: trainer.width, labels: truth, groups };
  }

  const outcomesOf = ({ labels: truth, groups }: PartFeatures, logits: Float32Array): Outcomes => ({
    truth,
    logits,
    ...(groups && { groups }),
  });

  async function judges(): Promise<Judges> {
    const train = await featuresOf("train");
    const validation = await featuresOf("validation");
    const { neighbours, neighbourTemperature: temperature } = options;
    let best:
      | { readonly linear: LinearModel; readonly decay: number; readonly scores: QuickScores }
      | undefined;
    let from: LinearModel | undefined;
    for (const decay of DECAYS) {
      from = await linearModel(train, { classes, decay, from, ...(signal && { signal }) });
      const scores = quickScores(outcomesOf(validation, linearLogits(from, validation.values)), classes);
      if (better(scores, best?.scores)) best = { linear: from, decay, scores };
    }
    if (best === undefined) throw new RangeError("no weight decay was tried");
    const { linear, decay } = best;
    const knn = knnClassifier(train, { classes, neighbours, temperature });
    return { validation, knn, linear, decay };
  }

  return {
    async quick() {
      known = await judges();
      const { validation, knn, linear, decay } = known;
      const sharesOf = (logits: Float32Array) => {
        const { accuracy, balancedAccuracy } = quickScores(outcomesOf(validation, logits), classes);
        return { accuracy, balancedAccuracy };
      };
      return {
        knn: sharesOf(knn(validation.values)),
        linear: { ...sharesOf(linearLogits(linear, validation.values)), decay },
      };
    },
    async final() {
      known ??= await judges();
      const { validation, knn, linear, decay } = known;
      const test = await featuresOf("test");
      const scored = (classify: (values: Float32Array) => Float32Array, of: PartFeatures): Scores =>
        scoresOf(outcomesOf(of, classify(of.values)), { labels, seed: options.seed });
      // A class that no neighbour is of has no share of the votes, and a loss of infinity says nothing.
      const voted = (of: PartFeatures): Scores => ({ ...scored(knn, of), loss: undefined });
      const fitted = (of: PartFeatures): Scores => scored((values) => linearLogits(linear, values), of);
      return {
        knn: { validation: voted(validation), test: voted(test) },
        linear: { validation: fitted(validation), test: fitted(test), decay, tried: DECAYS },
      };
    },
    forget() {
      known = undefined;
    },
  };
}

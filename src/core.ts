/** @file What the library offers wherever it runs: methods, metrics, and the types of what they take and give. */
export type { Anatomy, Block, Layer } from "./anatomy/anatomy.js";
export type { AnatomyHints } from "./anatomy/hints.js";
export type { ModelImage } from "./api/image.js";
export { OpenedModel } from "./api/opened.js";
export { type Prediction, softmax, topPredictions } from "./api/prediction.js";
export type { Target } from "./api/target.js";
export type {
  ExplainSettings,
  Explanation,
  ExplanationMap,
  MapToScore,
  RunSettings,
  Score,
  ScoredImage,
  ScoreItem,
} from "./api/types.js";
export type { Expr } from "./explain/expression.js";
export * as expression from "./explain/expression.js";
export { type GradCamOptions, gradCam } from "./explain/grad-cam.js";
export { type GradientRolloutOptions, gradientRollout } from "./explain/gradient-rollout.js";
export type { Method, TokenMap } from "./explain/method.js";
export { methodFromSpec } from "./explain/registry.js";
export { rollout } from "./explain/rollout.js";
export type { RolloutOptions } from "./explain/rollout-engine.js";
export { auc } from "./metrics/auc.js";
export { controlMap, invertedMap } from "./metrics/controls.js";
export { deletion } from "./metrics/deletion.js";
export { insertion } from "./metrics/insertion.js";
export type { EvaluationPlan, Metric, MetricScore, MetricSubject } from "./metrics/metric.js";
export type { CurveOptions } from "./metrics/options.js";
export { metricFromSpec } from "./metrics/registry.js";
export { VitreousError } from "./onnx/errors.js";
export { meanWithInterval } from "./stats/bootstrap.js";
export { VERSION } from "./version.js";

/** @file What `evaluate` is told: its options, what they ask to be scored, and the record of it in the results. */
import type { Command } from "commander";
import type { NodeModel } from "../api/node/node-model.js";
import type { Method } from "../explain/method.js";
import { methodFromSpec } from "../explain/registry.js";
import type { Metric } from "../metrics/metric.js";
import { METRICS, metricFromSpec } from "../metrics/registry.js";
import { collect, type ImageOptions, seedNumber } from "./options.js";
import { INTERVALS } from "./summary.js";
import { UsageError, usage } from "./usage.js";

export interface EvaluateOptions extends ImageOptions {
  readonly metric?: readonly string[];
  readonly maps?: string;
  readonly controls?: boolean;
  readonly sheet?: boolean;
  readonly seed: number;
}

export function withMetricOptions(command: Command): Command {
  return command
    .option("--metric <names>", `${Object.keys(METRICS).join(", ")}; likewise (default: both)`, collect)
    .option("--maps <folder>", "score maps made elsewhere: <stem>.npy or <stem>.<name>.npy, [H,W]")
    .option("--controls", "also score random, center, edge and inverted maps")
    .option("--sheet", "also write contact-sheet.html: images, maps and curves on one page")
    .option("--seed <n>", "for random controls, baselines, tie orders and intervals", seedNumber, 0);
}

export interface Plan {
  readonly specs: readonly string[];
  readonly methods: readonly Method[];
  readonly metricSpecs: readonly string[];
  readonly metrics: readonly Metric[];
}

export function readPlan(options: EvaluateOptions): Plan {
  const specs = [...new Set(options.method ?? [])];
  if (specs.length === 0 && options.maps === undefined && !options.controls) {
    throw new UsageError("nothing to score: name a --method, a --maps folder, or --controls");
  }
  const metricSpecs = [...new Set(options.metric ?? ["insertion", "deletion"])];
  return {
    specs,
    methods: specs.map((spec) => usage(() => methodFromSpec(spec))),
    metricSpecs,
    metrics: metricSpecs.map((spec) => usage(() => metricFromSpec(spec))),
  };
}

/** How the scores came about. */
export function protocolRecord(model: NodeModel, plan: Plan, options: EvaluateOptions) {
  const methods = plan.methods.map((method, i) => ({
    method: plan.specs[i],
    parameters: method.resolve(model.anatomy),
    citation: method.citation,
  }));
  const metrics = plan.metrics.map(({ parameters, direction, citation }, i) => ({
    metric: plan.metricSpecs[i],
    parameters,
    direction,
    citation,
  }));
  return {
    class: options.class,
    score: "softmax probability of the class",
    methods,
    metrics,
    controls: options.controls ?? false,
    maps: options.maps ?? null,
    preprocessing: model.preprocessing,
    intervals: INTERVALS,
    seed: options.seed,
    device: options.device,
  };
}

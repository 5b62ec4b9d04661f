/**
 * @file An opened model as its user holds it: what it is, what it predicts, maps that explain it, and how faithful
 * they are. The same in Node and in a page; only where its bytes, images and runtime come from differs.
 */
import type { Anatomy } from "../anatomy/anatomy.js";
import { verifyAnatomy } from "../anatomy/verify.js";
import { assembleMethods, compileMethods, type TargetMode, usesGradients } from "../explain/compile.js";
import { imageMap } from "../explain/map.js";
import type { Method } from "../explain/method.js";
import { methodSpec } from "../explain/registry.js";
import type { Metric, MetricSubject } from "../metrics/metric.js";
import { VitreousError } from "../onnx/errors.js";
import { explainSubjects, type Subject } from "./explain.js";
import type { ModelImage } from "./image.js";
import { type EndpointItem, planEndpoints, planItems, readEndpoints, readScores } from "./plan-scores.js";
import { argmax, type Prediction, topPredictions } from "./prediction.js";
import { type ScoreRun, scoreJobs } from "./score.js";
import type { Sessions } from "./sessions.js";
import { NO_CLASSES, parseTarget, seedOf, type Target, type TargetChoice } from "./target.js";
import type {
  Endpoints,
  ExplainSettings,
  Explanation,
  ExplanationMap,
  MapToScore,
  ModelFacts,
  RunSettings,
  Score,
  ScoredImage,
  ScoreItem,
} from "./types.js";

/** See the file's banner. Made by openModel. */
export class OpenedModel {
  readonly anatomy: Anatomy;
  readonly facts: ModelFacts;
  readonly #sessions: Sessions;

  constructor(anatomy: Anatomy, facts: ModelFacts, sessions: Sessions) {
    this.anatomy = anatomy;
    this.facts = facts;
    this.#sessions = sessions;
  }

  /** Images that one run takes: any number, or exactly so many. */
  get batch(): "dynamic" | number {
    return this.#sessions.batch;
  }

  /** Why a method does not work on this model, in one sentence; undefined when it does. Runs nothing. */
  unsupported(method: Method): string | undefined {
    const reason = this.#refusal(method);
    if (reason !== undefined) return reason;
    try {
      assembleMethods(this.#sessions.differentiable, this.anatomy, [method], "top");
      return undefined;
    } catch (error) {
      if (error instanceof VitreousError) return error.message;
      throw error;
    }
  }

  /** Explains one image with several methods in one run. Throws VitreousError where a method cannot work on this model. */
  async explain(
    image: ModelImage,
    methods: readonly Method[],
    settings: ExplainSettings = {},
  ): Promise<Explanation> {
    for await (const explanation of this.explainAll([image], methods, settings)) return explanation;
    throw new RangeError("an image gave no explanation");
  }

  /** Explains many, in order, in batches; images are pulled as they are needed, so memory does not grow with their number. */
  async *explainAll(
    images: AsyncIterable<ModelImage> | Iterable<ModelImage>,
    methods: readonly Method[],
    settings: ExplainSettings = {},
  ): AsyncGenerator<Explanation> {
    for (const method of methods) {
      const reason = this.#refusal(method);
      if (reason !== undefined) throw new VitreousError(`${this.facts.name}: ${reason}`);
    }
    const { target: wanted = "top" } = settings;
    if (wanted !== "top") this.#demandClasses();
    const choice = typeof wanted === "string" ? parseTarget(wanted, this.facts.labels) : wanted;
    const mode: TargetMode = choice === "top" ? "top" : "given";
    if (choice !== "top" && choice !== "true") seedOf(choice, this.anatomy.output.classes);
    const { session, compiled, feed, batch } = await this.#sessions.explaining(methods, mode, () =>
      compileMethods(this.#sessions.differentiable, this.anatomy, methods, mode),
    );
    const specs = methods.map((m) => ({ method: methodSpec(m), parameters: m.resolve(this.anatomy) }));
    let done = 0;
    const run = { session, compiled, methods, feed, anatomy: this.anatomy, signal: settings.signal };
    const size = batchSize(batch, settings);
    for await (const raw of explainSubjects(withTargets(images, choice), { ...run, batch: size })) {
      const { image } = raw.subject;
      const target = this.#givesFeatures ? undefined : settledTarget(raw.subject.target, raw.logits);
      done++;
      settings.onProgress?.(done);
      yield {
        image,
        logits: raw.logits,
        predictions: this.#predictions(raw.logits),
        target,
        maps: raw.maps.map((map, m) => ({
          ...map,
          method: specs[m]?.method ?? "",
          parameters: specs[m]?.parameters ?? {},
          atImageSize: () =>
            imageMap(map, methods[m]?.scaling ?? "max", [image.tensor.height, image.tensor.width]),
        })),
      };
    }
  }

  /** Logits of many images, in order. */
  async *predictAll(
    images: AsyncIterable<ModelImage> | Iterable<ModelImage>,
    settings: RunSettings = {},
  ): AsyncGenerator<{
    readonly image: ModelImage;
    readonly logits: Float32Array;
    readonly predictions: readonly Prediction[];
  }> {
    for await (const scored of this.scoreAll(asItems(images), [], settings)) {
      const { logits } = scored;
      yield { image: scored.item.image, logits, predictions: this.#predictions(logits) };
    }
  }

  /** Scores maps of one image. */
  async score(
    image: ModelImage,
    maps: readonly (MapToScore | ExplanationMap)[],
    metrics: readonly Metric[],
    settings: RunSettings & { readonly classes?: readonly number[]; readonly logits?: Float32Array } = {},
  ): Promise<readonly Score[]> {
    const sized = maps.map((m) => ("atImageSize" in m ? { method: m.method, values: m.atImageSize() } : m));
    const { classes, logits } = settings;
    const item = { image, maps: sized, ...(classes && { classes }), ...(logits && { logits }) };
    for await (const scored of this.scoreAll([item], metrics, settings)) return scored.scores;
    throw new RangeError("an image gave no score");
  }

  /** Scores maps of many images, in order; batches are filled across steps, metrics, maps and images. */
  async *scoreAll(
    items: AsyncIterable<ScoreItem> | Iterable<ScoreItem>,
    metrics: readonly Metric[],
    settings: RunSettings = {},
  ): AsyncGenerator<ScoredImage> {
    if (metrics.length > 0) this.#demandClasses();
    const jobs = planItems(items, metrics, this.#subject());
    for await (const scored of scoreJobs(jobs, await this.#scoreRun(settings))) {
      yield readScores(scored.id, metrics, scored.logits);
    }
  }

  /**
   * Runs what metrics need of each image whatever the map is (the ends of a curve), in order, in batches: given to
   * scoreAll as `known`, it is run once for all maps.
   */
  async *endpointsAll(
    items: AsyncIterable<EndpointItem> | Iterable<EndpointItem>,
    metrics: readonly Metric[],
    settings: RunSettings = {},
  ): AsyncGenerator<Endpoints> {
    this.#demandClasses();
    const jobs = planEndpoints(items, metrics, this.#subject());
    for await (const job of scoreJobs(jobs, await this.#scoreRun(settings))) {
      yield readEndpoints(job.id, job.logits);
    }
  }

  /**
   * Checks the anatomy on the model's own behaviour, by one run on a seeded random image: attention rows must sum to 1,
   * logits must give the output. Sentences that say what does not hold; empty where all is well.
   */
  async verify(): Promise<readonly string[]> {
    return verifyAnatomy(this.anatomy, (names) => this.#sessions.values(names, this.facts.seed));
  }

  /** Frees the sessions and ends the runtime. */
  async close(): Promise<void> {
    await this.#sessions.close();
  }

  /** What is the same for all plans. */
  #subject(): Pick<MetricSubject, "seed" | "black" | "grid"> {
    const { seed, black } = this.facts;
    return { seed, black, ...(this.anatomy.family === "unknown" ? {} : { grid: this.anatomy.grid }) };
  }

  async #scoreRun(settings: RunSettings): Promise<ScoreRun> {
    const { session, logits, batch, feedRows } = await this.#sessions.forward();
    const { classes, features } = this.anatomy.output;
    return {
      session,
      logits,
      classes: features ?? classes,
      size: this.#sessions.inputSize,
      feed: feedRows,
      batch: batchSize(batch, settings),
      signal: settings.signal,
      onForward: settings.onProgress,
    };
  }

  #refusal(method: Method): string | undefined {
    const reason = method.unsupported(this.anatomy);
    if (reason !== undefined) return reason;
    const { refusal } = this.#sessions;
    const why = this.#givesFeatures ? NO_CLASSES : refusal;
    return why !== undefined && usesGradients(method, this.anatomy) ? `${method.name}: ${why}` : undefined;
  }

  get #givesFeatures(): boolean {
    return this.anatomy.output.kind === "features";
  }

  #demandClasses(): void {
    if (this.#givesFeatures) throw new VitreousError(`${this.facts.name}: ${NO_CLASSES}`);
  }

  #predictions(logits: Float32Array): readonly Prediction[] {
    return this.#givesFeatures ? [] : topPredictions(logits, this.facts.labels);
  }
}

const DEFAULT_BATCH = 8;

function batchSize(batch: "dynamic" | number, { batch: wanted = DEFAULT_BATCH }: RunSettings): number {
  if (!Number.isInteger(wanted) || wanted < 1)
    throw new VitreousError(`batch must be a whole number, at least 1, not ${wanted}`);
  return batch === "dynamic" ? wanted : batch;
}

async function* withTargets(
  images: AsyncIterable<ModelImage> | Iterable<ModelImage>,
  choice: TargetChoice,
): AsyncGenerator<Subject> {
  for await (const image of images) {
    if (choice !== "true") yield { image, target: choice };
    else if (image.label !== undefined) yield { image, target: image.label };
    else
      throw new VitreousError(`${image.name}: class "true" needs labelled data, and this image has no label`);
  }
}

function settledTarget(target: Target, logits: Float32Array): NonNullable<Explanation["target"]> {
  if (target === "top") return { index: argmax(logits) };
  return typeof target === "number" ? { index: target } : { index: target.plus, minus: target.minus };
}

async function* asItems(images: AsyncIterable<ModelImage> | Iterable<ModelImage>): AsyncGenerator<ScoreItem> {
  for await (const image of images) yield { image, maps: [] };
}

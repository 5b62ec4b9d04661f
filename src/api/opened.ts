/**
 * @file An opened model as its user holds it: what it is, what it predicts, maps that explain it, and how faithful
 * they are. The same in Node and in a page; only where its bytes, images and runtime come from differs.
 */
import type { Anatomy } from "../anatomy/anatomy.js";
import { verifyAnatomy } from "../anatomy/verify.js";
import { compileMethods, type TargetMode, usesGradients } from "../explain/compile.js";
import { imageMap } from "../explain/map.js";
import type { Method, Parameters, TokenMap } from "../explain/method.js";
import { methodSpec } from "../explain/registry.js";
import { riseBlur } from "../imaging/blur.js";
import type { ImageTensor, Metric, MetricScore } from "../metrics/metric.js";
import { VitreousError } from "../onnx/errors.js";
import { explainSubjects, type Subject } from "./explain.js";
import type { ModelImage } from "./image.js";
import { argmax, type Prediction, softmax, topPredictions } from "./prediction.js";
import { type ScoreJob, scoreJobs } from "./score.js";
import type { Sessions } from "./sessions.js";
import { parseTarget, seedOf, type Target, type TargetChoice } from "./target.js";

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
  readonly logits: Float32Array;
  readonly predictions: readonly Prediction[];
  /** What was explained: z[index], or z[index] − z[minus]. */
  readonly target: { readonly index: number; readonly minus?: number };
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
}

export interface Score extends MetricScore {
  readonly method: string;
  readonly metric: string;
  readonly parameters: Metric["parameters"];
  readonly direction: Metric["direction"];
  /** Index of the class whose probability the curve follows. */
  readonly class: number;
}

export interface ScoredImage {
  readonly item: ScoreItem;
  readonly logits: Float32Array;
  readonly scores: readonly Score[];
}

export interface ModelFacts {
  readonly name: string;
  readonly sha256?: string;
  readonly labels: readonly string[];
  /** A black pixel in normalised space, per channel. */
  readonly black: readonly number[];
  /** Seed for random baselines, tie orders and controls; recorded. */
  readonly seed: number;
}

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

  /** Whether one run takes any number of images, or exactly one. */
  get batch(): "dynamic" | "fixed" {
    return this.#sessions.batch;
  }

  /** Why a method does not work on this model, in one sentence; undefined when it does. Runs nothing. */
  unsupported(method: Method): string | undefined {
    const reason = this.#refusal(method);
    if (reason !== undefined) return reason;
    try {
      compileMethods(this.#sessions.differentiable, this.anatomy, [method], "top");
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
      const target = settledTarget(raw.subject.target, raw.logits);
      done++;
      settings.onProgress?.(done);
      yield {
        image,
        logits: raw.logits,
        predictions: topPredictions(raw.logits, this.facts.labels),
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
      yield { image: scored.item.image, logits, predictions: topPredictions(logits, this.facts.labels) };
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
    const { session, logits, batch, feedRows } = await this.#sessions.forward();
    const { classes } = this.anatomy.output;
    const size = this.#sessions.inputSize;
    const jobs = this.#jobs(items, metrics);
    const run = {
      session,
      logits,
      classes,
      size,
      feed: feedRows,
      batch: batchSize(batch, settings),
    };
    for await (const scored of scoreJobs(jobs, {
      ...run,
      signal: settings.signal,
      onForward: settings.onProgress,
    })) {
      yield readScores(scored.id, metrics, scored.logits);
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

  #refusal(method: Method): string | undefined {
    const reason = method.unsupported(this.anatomy);
    if (reason !== undefined) return reason;
    const { refusal } = this.#sessions;
    return refusal !== undefined && usesGradients(method, this.anatomy)
      ? `${method.name}: ${refusal}`
      : undefined;
  }

  async *#jobs(
    items: AsyncIterable<ScoreItem> | Iterable<ScoreItem>,
    metrics: readonly Metric[],
  ): AsyncGenerator<ScoreJob<PlannedItem>> {
    for await (const item of items) {
      const { image, maps, logits } = item;
      let blurred: Float32Array | undefined;
      const shared = {
        image: image.tensor,
        blurred: () => {
          blurred ??= riseBlur(image.tensor);
          return blurred;
        },
        seed: this.facts.seed,
        black: this.facts.black,
        ...(this.anatomy.family === "unknown" ? {} : { grid: this.anatomy.grid }),
      };
      const plans = maps.flatMap((map) => {
        checkMap(map, image);
        return metrics.map((metric) => metric.plan({ ...shared, map: map.values }));
      });
      const planned = { item, plans };
      const clean = cleanPlan(image.tensor);
      yield {
        id: planned,
        plans: [clean, ...plans],
        ...(logits ? { known: new Map([["clean", logits]]) } : {}),
      };
    }
  }
}

const DEFAULT_BATCH = 8;

function batchSize(batch: "dynamic" | "fixed", { batch: wanted = DEFAULT_BATCH }: RunSettings): number {
  if (!Number.isInteger(wanted) || wanted < 1)
    throw new VitreousError(`batch must be a whole number, at least 1, not ${wanted}`);
  return batch === "fixed" ? 1 : wanted;
}

interface PlannedItem {
  readonly item: ScoreItem;
  readonly plans: readonly ReturnType<Metric["plan"]>[];
}

/** The clean image itself: every item has its logits, whether or not a metric asks for them. */
function cleanPlan(image: ImageTensor): ReturnType<Metric["plan"]> {
  return {
    count: 1,
    key: () => "clean",
    write: (_, target) => target.set(image.data),
    score: () => ({ auc: 0, curve: [], extra: {}, notes: [] }),
  };
}

function readScores(
  { item, plans }: PlannedItem,
  metrics: readonly Metric[],
  rows: readonly (readonly Float32Array[])[],
): ScoredImage {
  const logits = rows[0]?.[0] ?? new Float32Array(0);
  const followed = item.classes ?? [...new Set([argmax(logits), item.image.label ?? argmax(logits)])];
  const scores = plans.flatMap((plan, p) => {
    const metric = metrics[p % metrics.length];
    const map = item.maps[Math.floor(p / metrics.length)];
    if (metric === undefined || map === undefined) return [];
    const probabilities = (rows[p + 1] ?? []).map((row) => softmax(row));
    return followed.map((index) => ({
      method: map.method,
      metric: metric.name,
      parameters: metric.parameters,
      direction: metric.direction,
      class: index,
      ...plan.score(Float64Array.from(probabilities, (row) => row[index] ?? 0)),
    }));
  });
  return { item, logits, scores };
}

function checkMap(map: MapToScore, image: ModelImage): void {
  const { height, width } = image.tensor;
  if (map.values.length !== height * width) {
    throw new VitreousError(
      `${image.name}: the map "${map.method}" has ${map.values.length} values, but the model sees ${height}×${width} = ${height * width} pixels`,
    );
  }
  const bad = map.values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) {
    throw new VitreousError(
      `${image.name}: the map "${map.method}" is ${map.values[bad]} at row ${Math.floor(bad / width)}, column ${bad % width}; maps must be finite everywhere`,
    );
  }
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

function settledTarget(target: Target, logits: Float32Array): Explanation["target"] {
  if (target === "top") return { index: argmax(logits) };
  return typeof target === "number" ? { index: target } : { index: target.plus, minus: target.minus };
}

async function* asItems(images: AsyncIterable<ModelImage> | Iterable<ModelImage>): AsyncGenerator<ScoreItem> {
  for await (const image of images) yield { image, maps: [] };
}

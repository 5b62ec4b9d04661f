/** @file From images and maps to evaluation plans, and from the logits of their inputs to scores. */
import { riseBlur } from "../imaging/blur.js";
import type { ImageTensor, Metric, MetricSubject } from "../metrics/metric.js";
import { VitreousError } from "../onnx/errors.js";
import type { ModelImage } from "./image.js";
import { argmax, softmax } from "./prediction.js";
import type { ScoreJob } from "./score.js";
import type { Endpoints, MapToScore, ScoredImage, ScoreItem } from "./types.js";

/** A plan for each map and metric, map by map; an image is blurred once however many of them ask for it. */
export async function* planItems(
  items: AsyncIterable<ScoreItem> | Iterable<ScoreItem>,
  metrics: readonly Metric[],
  model: Pick<MetricSubject, "seed" | "black" | "grid">,
): AsyncGenerator<ScoreJob<PlannedItem>> {
  for await (const item of items) {
    const { image, maps } = item;
    const blurred = item.blurred ?? blurOnce(image.tensor);
    const plans = maps.flatMap((map) => {
      checkMap(map, image);
      return metrics.map((metric) =>
        metric.plan({ ...model, image: image.tensor, blurred, map: map.values }),
      );
    });
    yield {
      id: { item, plans },
      plans: [cleanPlan(image.tensor), ...plans],
      known: knownOf(item),
    };
  }
}

/** The inputs of the metrics' plans that no map changes: one plan an image, its results under the keys it has. */
export async function* planEndpoints(
  items: AsyncIterable<EndpointItem> | Iterable<EndpointItem>,
  metrics: readonly Metric[],
  model: Pick<MetricSubject, "seed" | "black" | "grid">,
): AsyncGenerator<ScoreJob<PlannedEndpoints>> {
  for await (const item of items) {
    const { tensor } = item.image;
    const blurred = item.blurred ?? blurOnce(tensor);
    const map = new Float32Array(tensor.height * tensor.width);
    const plans = metrics.map((metric) => {
      const plan = metric.plan({ ...model, image: tensor, blurred, map });
      const shared = plan.shared ?? [];
      const at = (index: number): number => shared[index] ?? 0;
      return {
        ...plan,
        count: shared.length,
        key: (index: number) => plan.key(at(index)),
        write: (index: number, target: Float32Array) => plan.write(at(index), target),
      };
    });
    yield { id: { item, plans }, plans, known: knownOf(item) };
  }
}

export type EndpointItem = Pick<ScoreItem, "image" | "logits" | "known" | "blurred">;

export interface PlannedEndpoints {
  readonly item: EndpointItem;
  readonly plans: readonly ReturnType<Metric["plan"]>[];
}

/** RISE's blur of an image, computed when it is first asked for. */
export function blurOnce(tensor: ImageTensor): () => Float32Array {
  let blur: Float32Array | undefined;
  return () => {
    blur ??= riseBlur(tensor);
    return blur;
  };
}

function knownOf({ logits, known }: EndpointItem): ReadonlyMap<string, Float32Array> {
  return new Map([...(known ?? []), ...(logits ? [["clean", logits] as const] : [])]);
}

export function readEndpoints(
  { item, plans }: PlannedEndpoints,
  rows: readonly (readonly Float32Array[])[],
): Endpoints {
  const known = new Map<string, Float32Array>();
  plans.forEach((plan, p) => {
    for (const [i, row] of (rows[p] ?? []).entries()) known.set(plan.key(i), row);
  });
  return { image: item.image, known };
}

export interface PlannedItem {
  readonly item: ScoreItem;
  readonly plans: readonly ReturnType<Metric["plan"]>[];
}

/** The clean image itself: every item has its logits, whether or not a metric asks for them. */
function cleanPlan(image: ImageTensor): ReturnType<Metric["plan"]> {
  return {
    count: 1,
    key: () => "clean",
    write: (_, target) => target.set(image.data),
    parameters: {},
    score: () => ({ auc: 0, curve: [], extra: {}, notes: [] }),
  };
}

export function readScores(
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
      parameters: plan.parameters,
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

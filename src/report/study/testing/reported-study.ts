/** @file A study with everything that a report shows, of drawn numbers: scores, curves, predictions, maps, mistakes. */
import { defaultPreprocessing } from "../../../imaging/preprocessing.js";
import { normal, uniform } from "../../../random.js";
import { type SyntheticRow, syntheticStudy } from "../../../study/analysis/testing/synthetic.js";
import type { StoredStudy, StudyMap, StudyMistake, StudyPrediction } from "../../../study/run/types.js";

export interface DrawnImage {
  readonly name: string;
  readonly path: string;
  readonly sha256: string;
  readonly label: string;
}

/** `count` of each class, in turn. */
export const drawnImages = (labels: readonly string[], count: number): readonly DrawnImage[] =>
  Array.from({ length: count }, (_, i) => i).flatMap((i) =>
    labels.map((label, l) => ({
      name: `${l}/${i}.png`,
      path: `/home/me/data/${l}/${i}.png`,
      sha256: hash(`${l}/${i}`),
      label,
    })),
  );

export interface DrawnStudy {
  /** By data set. */
  readonly images: Readonly<Record<string, readonly DrawnImage[]>>;
  /** How faithful each model's maps are, by title: larger is better. */
  readonly models: Readonly<Record<string, number>>;
  /** Likewise of methods. */
  readonly methods: Readonly<Record<string, number>>;
  readonly title?: string;
  readonly points?: number;
  readonly size?: number;
  readonly controls?: boolean;
  readonly folder?: string;
}

const METRICS = ["insertion", "deletion"] as const;
const CONTROLS = { random: 0, center: 0.2, edge: -0.15 } as const;

export function drawnStudy(given: DrawnStudy): StoredStudy {
  const { images, models, methods, points = 9, size = 16, controls = true, folder = "/home/me/data" } = given;
  const noise = normal(5);
  const next = uniform(3);
  const said = predictionsOf(given, next);
  const inverted = Object.entries(methods).map(([method, good]) => [`inverted ${method}`, -good]);
  const maps: Readonly<Record<string, number>> = {
    ...methods,
    ...(controls && { ...CONTROLS, ...Object.fromEntries(inverted) }),
  };
  const rows = Object.entries(images).flatMap(([dataset, own]) =>
    Object.entries(models).flatMap(([model, faithful]) =>
      Object.entries(maps).flatMap(([method, good]): readonly SyntheticRow[] =>
        METRICS.flatMap((metric) =>
          own.map(({ name, sha256, label }, i): SyntheticRow => {
            const spoken = said.find((s) => s.dataset === dataset && s.model === model && s.image === name);
            const known = Object.hasOwn(methods, method) ? faithful : 0;
            const power = 1.6 * (known + good) + 0.35 * noise();
            const curve = curveOf(points, metric === "insertion" ? power : -power);
            return {
              dataset,
              model,
              method,
              metric,
              image: name,
              imageSha256: sha256,
              label,
              predicted: spoken?.predicted ?? label,
              score:
                (curve.reduce((a, b) => a + b, 0) - (curve[0] ?? 0) / 2 - (curve.at(-1) ?? 0) / 2) /
                (points - 1),
              curve,
              cell: hash(`${dataset}${model}${method}${metric}${Math.floor(i / 8)}`),
            };
          }),
        ),
      ),
    ),
  );
  const base = syntheticStudy(rows, { statistics: { resamples: 100 } });
  const declaration = {
    ...base.declaration,
    title: given.title ?? "A drawn study",
    datasets: base.declaration.datasets.map((d) => ({ ...d, path: `${folder}/${d.id}` })),
    models: base.declaration.models.map((m) => ({
      ...m,
      checkpoints: Object.fromEntries(
        Object.keys(images).map((dataset) => [
          dataset,
          {
            path: `${folder}/models/${dataset}-${m.id}`,
            arch: null,
            head: null,
            preprocess: null,
            labels: null,
            imageSize: null,
          },
        ]),
      ),
    })),
  };
  return {
    ...base,
    declaration,
    datasets: base.datasets.map((d, i) => ({
      ...d,
      dataset: declaration.datasets[i] ?? d.dataset,
      images: d.images.map((image) => ({
        ...image,
        path: images[d.dataset.id]?.find((own) => own.name === image.name)?.path ?? image.name,
      })),
    })),
    checkpoints: Object.keys(images).flatMap((dataset) =>
      Object.keys(models).map((model) => ({
        dataset,
        model,
        sha256: hash(dataset + model),
        options: { arch: null, source: `${folder}/models/${dataset}-${model}` },
        preprocessing: defaultPreprocessing([size, size]),
        family: "vit" as const,
        image: [size, size] as const,
        channels: 3,
        labels: classesOf(images[dataset] ?? []),
        methods: Object.fromEntries(Object.keys(methods).map((m) => [m, { layer: "blocks.11" }])),
        refused: {},
        notes: [`${folder}/models/${dataset}-${model}: opened without labels`],
        fingerprint: null,
      })),
    ),
    predictions: () => said,
    maps: (dataset, image) =>
      Object.keys(models).flatMap((model, m) =>
        Object.keys(methods).map((method, k) => mapOf({ dataset, model, method, image }, m + 2 * k, size)),
      ),
    mistakes: (dataset, image) =>
      Object.keys(models).flatMap((model, m): readonly StudyMistake[] => {
        const found = said.find((s) => s.dataset === dataset && s.model === model && s.image === image);
        if (found === undefined || found.correct !== false) return [];
        const classes = classesOf(images[dataset] ?? []);
        return (["predicted", "true"] as const).map((explained, e) => {
          const label = (explained === "true" ? found.label : found.predicted) ?? "";
          return {
            dataset,
            model,
            image,
            explained,
            label,
            probability: found.probabilities[classes.indexOf(label)] ?? 0,
            maps: Object.keys(methods).map((method, k) =>
              mapOf({ dataset, model, method, image }, m + 2 * k + 1.3 * e, size),
            ),
            scores: Object.keys(methods).flatMap((method, k) =>
              METRICS.map((metric) => {
                const curve = curveOf(points, (metric === "insertion" ? 1 : -1) * (0.8 + 0.5 * k - 0.4 * e));
                return {
                  method,
                  metric,
                  score: 0.6,
                  reason: null,
                  curve,
                  cell: hash(label + method + metric),
                };
              }),
            ),
          };
        });
      }),
  };
}

const classesOf = (images: readonly DrawnImage[]): readonly string[] =>
  [...new Set(images.map((i) => i.label))].sort();

/** From nearly 0 to 0.95, sooner the larger the power; the other way round where it is of a deletion. */
function curveOf(points: number, power: number): readonly number[] {
  return Array.from({ length: points }, (_, i) => {
    const share = i / (points - 1);
    const rising = 0.04 + 0.91 * share ** Math.exp(-power);
    return power === 0 ? 0.04 + 0.91 * share : rising;
  });
}

function predictionsOf({ images, models }: DrawnStudy, next: () => number): readonly StudyPrediction[] {
  return Object.entries(images).flatMap(([dataset, own]) =>
    Object.keys(models).flatMap((model) =>
      own.map(({ name, label }): StudyPrediction => {
        const classes = classesOf(own);
        const at = classes.indexOf(label);
        const wrong = next() < 0.15 && classes.length > 1;
        const top = wrong ? (at + 1) % classes.length : at;
        const sure = 0.5 + 0.49 * next();
        const probabilities = Float64Array.from(classes, (_, c) =>
          c === top ? sure : (1 - sure) / Math.max(1, classes.length - 1),
        );
        return {
          dataset,
          model,
          image: name,
          label,
          probabilities,
          predicted: classes[top] ?? "",
          correct: !wrong,
        };
      }),
    ),
  );
}

/** A blob somewhere, another for each model and method. */
function mapOf(
  of: Pick<StudyMap, "dataset" | "model" | "method" | "image">,
  shift: number,
  size: number,
): StudyMap {
  const values = Float32Array.from({ length: size * size }, (_, i) => {
    const [x, y] = [(i % size) / size, Math.floor(i / size) / size];
    const [cx, cy] = [0.5 + 0.22 * Math.sin(shift), 0.5 + 0.2 * Math.cos(2 * shift)];
    return Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (0.02 + 0.012 * (shift % 3)));
  });
  return { ...of, grid: [size, size], values, size: [size, size], atImageSize: () => values };
}

/** Looks like one, and is the same every time. */
function hash(text: string): string {
  const next = uniform([...text].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) >>> 0, 7));
  return Array.from({ length: 64 }, () => Math.floor(next() * 16).toString(16)).join("");
}

/**
 * @file Chooses the images that a report shows and gathers what there is of them while the scores pass by, so that they
 * are read once and memory does not grow with the number of images.
 */
import type { StoredStudy, StudyMistake, StudyPrediction } from "../../../study/run/types.js";
import type { ScoreRow } from "../../../study/types.js";
import type {
  MisclassifiedImages,
  Origin,
  ShownImage,
  ShownModel,
  ShownScore,
  ShownView,
  StudyReport,
} from "../types.js";
import { type Pictures, picturesOf } from "./pictures.js";

export interface ShownCollector {
  /** In the order of `StoredStudy.rows`. */
  add(row: ScoreRow): void;
  finish(): Promise<Pick<StudyReport, "gallery" | "misclassified" | "origins">>;
}

/** What a model says of an image. */
type Said = Pick<ShownModel, "model" | "predicted" | "truth" | "correct">;

interface Scored {
  explained: string | null;
  readonly scores: ShownScore[];
}

export function shownCollector(study: StoredStudy): ShownCollector {
  const choice = choose(study);
  const scored = new Map<string, Scored>();
  const origins: (Origin & { readonly cells: string[] })[] = [];
  const wanted = new Set([...choice.gallery, ...choice.wrong.flatMap((w) => w.images)].map(imageKey));
  return {
    add(row) {
      const { dataset, model, method, metric, cell } = row;
      const last = origins.at(-1);
      if (
        last?.metric !== metric ||
        last.method !== method ||
        last.model !== model ||
        last.dataset !== dataset
      )
        origins.push({ dataset, model, method, metric, cells: [cell] });
      else if (last.cells.at(-1) !== cell) last.cells.push(cell);
      if (!wanted.has(imageKey(row))) return;
      const key = modelKey(row, model);
      const found = scored.get(key) ?? { explained: null, scores: [] };
      scored.set(key, found);
      found.explained = row.class;
      const { control, score, reason, curve } = row;
      found.scores.push({ method, metric, control, score, reason, curve, cell });
    },
    async finish() {
      const show = async (image: ChosenImage): Promise<ShownImage> => shownImage(study, image, scored);
      return {
        gallery: await inTurn(choice.gallery, show),
        misclassified: await inTurn(
          choice.wrong,
          async ({ dataset, count, images }): Promise<MisclassifiedImages> => ({
            dataset,
            count,
            shown: await inTurn(images, show),
          }),
        ),
        origins,
      };
    },
  };
}

/** One after the other: pictures take memory. */
async function inTurn<A, B>(items: readonly A[], make: (item: A) => Promise<B>): Promise<readonly B[]> {
  const made: B[] = [];
  for (const item of items) made.push(await make(item));
  return made;
}

interface ChosenImage {
  readonly dataset: string;
  readonly image: string;
  readonly models: readonly Said[];
}

interface Choice {
  readonly gallery: readonly ChosenImage[];
  readonly wrong: readonly {
    readonly dataset: string;
    readonly count: number;
    readonly images: readonly ChosenImage[];
  }[];
}

const imageKey = ({ dataset, image }: { readonly dataset: string; readonly image: string }): string =>
  JSON.stringify([dataset, image]);
const modelKey = (of: { readonly dataset: string; readonly image: string }, model: string): string =>
  `${imageKey(of)}${model}`;

/**
 * The first images of each data set; and those that models get wrong: explained by both classes first, by as many models
 * as can be, then those that most models get wrong, the surest mistakes first.
 */
function choose(study: StoredStudy): Choice {
  const { gallery, misclassified } = study.declaration.report;
  const first = new Map(
    study.datasets.flatMap(({ dataset, images }) =>
      images.slice(0, gallery).map(({ name }) => {
        const of = { dataset: dataset.id, image: name };
        return [imageKey(of), { ...of, models: [] as Said[] }] as const;
      }),
    ),
  );
  // Mistakes of each model so far: its first ones are explained by both classes.
  const explained = new Map<string, number>();
  const wrong = new Map<
    string,
    { readonly dataset: string; readonly image: string; readonly models: Said[]; both: number }
  >();
  for (const prediction of study.predictions()) {
    const key = imageKey(prediction);
    const shown = first.get(key);
    if (shown === undefined && prediction.correct !== false) continue;
    const said = saidBy(study, prediction);
    shown?.models.push(said);
    if (prediction.correct !== false) continue;
    const { dataset, image } = prediction;
    const found = wrong.get(key) ?? { dataset, image, models: [], both: 0 };
    wrong.set(key, found);
    found.models.push(said);
    const of = modelKey({ dataset, image: "" }, said.model);
    const before = explained.get(of) ?? 0;
    explained.set(of, before + 1);
    if (before < misclassified) found.both++;
  }
  const surest = ({ models }: ChosenImage): number => Math.max(...models.map((m) => m.predicted.probability));
  return {
    gallery: [...first.values()].filter((image) => image.models.length > 0),
    wrong: study.datasets.map(({ dataset: { id: dataset } }) => {
      const own = [...wrong.values()].filter((w) => w.dataset === dataset);
      const order = own.toSorted(
        (a, b) => b.both - a.both || b.models.length - a.models.length || surest(b) - surest(a),
      );
      return { dataset, count: own.length, images: order.slice(0, misclassified) };
    }),
  };
}

function saidBy({ checkpoints }: StoredStudy, prediction: StudyPrediction): Said {
  const { dataset, model, predicted, correct, label, probabilities } = prediction;
  const labels = checkpoints.find((c) => c.dataset === dataset && c.model === model)?.labels ?? [];
  const truth = correct === null || label === null ? undefined : probabilities[labels.indexOf(label)];
  return {
    model,
    correct,
    predicted: { label: predicted, probability: Math.max(...probabilities) },
    truth: truth === undefined || label === null ? null : { label, probability: truth },
  };
}

async function shownImage(
  study: StoredStudy,
  { dataset, image, models }: ChosenImage,
  scored: ReadonlyMap<string, Scored>,
): Promise<ShownImage> {
  const planned = study.datasets
    .find((d) => d.dataset.id === dataset)
    ?.images.find(({ name }) => name === image);
  if (planned === undefined) throw new RangeError(`${dataset} has no image ${image}`);
  const pictures: Pictures = await picturesOf(planned);
  const maps = study.maps(dataset, image);
  const mistakes = study.mistakes(dataset, image);
  return {
    dataset,
    name: image,
    sha256: planned.sha256,
    label: planned.label,
    missing: pictures.missing,
    models: await inTurn(models, async (said): Promise<ShownModel> => {
      const facts = study.checkpoints.find((c) => c.dataset === dataset && c.model === said.model);
      const { explained = null, scores = [] } = scored.get(modelKey({ dataset, image }, said.model)) ?? {};
      return {
        ...said,
        explained,
        scores,
        size: facts?.image ?? [1, 1],
        picture: facts === undefined ? null : await pictures.seenBy(facts),
        maps: await inTurn(
          maps.filter((map) => map.model === said.model),
          async (map) => ({ method: map.method, heat: await pictures.heat(map) }),
        ),
        ...(await viewsOf(
          mistakes.filter((mistake) => mistake.model === said.model),
          pictures,
        )),
      };
    }),
  };
}

async function viewsOf(
  mistakes: readonly StudyMistake[],
  pictures: Pictures,
): Promise<Pick<ShownModel, "views" | "differences">> {
  const views = await inTurn(
    mistakes,
    async ({ explained, label, probability, maps, scores }): Promise<ShownView> => ({
      explained,
      label,
      probability,
      scores: scores.map((score) => ({ ...score, control: false })),
      maps: await inTurn(maps, async (map) => ({ method: map.method, heat: await pictures.heat(map) })),
    }),
  );
  const [first, second] = mistakes;
  const differences = await inTurn(first?.maps ?? [], async (map) => {
    const other = second?.maps.find(({ method }) => method === map.method);
    return other === undefined ? [] : [{ method: map.method, heat: await pictures.difference(map, other) }];
  });
  return { views, differences: differences.flat() };
}

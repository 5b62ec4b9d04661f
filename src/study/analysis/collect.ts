/**
 * @file The score rows of a study, one after the other, put into the arrays that statistics are made of. Single scores
 * are kept, curves only for the cell group at hand: ten thousand images' curves would be gigabytes.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { StoredDataset, StoredStudy } from "../run/types.js";
import type { ScoreRow } from "../types.js";
import { summariseCurves } from "./curves.js";
import type { CurveSummary, ImageFacts, MethodFacts } from "./types.js";

/** A model and method on a data set by a metric; arrays have an entry for each image of the data set. */
export interface Collected {
  readonly dataset: string;
  readonly model: string;
  readonly method: string;
  readonly control: boolean;
  readonly metric: string;
  /** null: undefined, or no row. */
  readonly values: readonly (number | null)[];
  /** Score ÷ probability; null too where that is 0. */
  readonly relative: readonly (number | null)[] | null;
  /** Whether the model is right; null too where nothing says. */
  readonly correct: readonly (boolean | null)[];
  /** Why a score is undefined; null where it is defined or there is no row. */
  readonly reasons: readonly (string | null)[];
  readonly curve: CurveSummary | null;
}

export interface CollectedDataset {
  readonly id: string;
  readonly images: readonly ImageFacts[];
  /** For resampling: images of one label are not independent. */
  readonly groupOf: readonly string[];
}

export interface ScoreTable {
  readonly datasets: readonly CollectedDataset[];
  /** Those that have scores, declared ones first. */
  readonly methods: readonly MethodFacts[];
  /** In the rows' order. */
  readonly cells: readonly Collected[];
}

export interface ScoreCollector {
  /** @throws VitreousError when rows of one cell group do not come one after the other, or an image is not the study's. */
  add(row: ScoreRow): void;
  finish(): ScoreTable;
}

interface OpenCell {
  readonly key: string;
  readonly head: Pick<Collected, "dataset" | "model" | "method" | "control" | "metric">;
  readonly values: (number | null)[];
  readonly relative: (number | null)[];
  readonly correct: (boolean | null)[];
  readonly reasons: (string | null)[];
  readonly curves: (readonly number[])[];
  readonly curveGroups: string[];
}

export function scoreCollector({
  declaration,
  datasets: stored,
}: Pick<StoredStudy, "declaration" | "datasets">): ScoreCollector {
  const { level } = declaration.statistics;
  const datasets = stored.map(datasetOf);
  const placesOf = new Map(
    datasets.map(({ id, images }) => [id, new Map(images.map(({ name }, i) => [name, i]))] as const),
  );
  const groupsOf = new Map(datasets.map(({ id, groupOf }) => [id, groupOf] as const));
  const methods = new Map<string, MethodFacts>();
  const cells = new Map<string, Collected>();
  let open: OpenCell | undefined;

  const close = (): void => {
    if (open === undefined) return;
    const { key, head, values, relative, correct, reasons, curves, curveGroups } = open;
    const curve = summariseCurves(curves, curveGroups, level);
    cells.set(key, { ...head, values, relative, correct, reasons, curve });
    open = undefined;
  };

  const cellOf = (row: ScoreRow): OpenCell => {
    const { dataset, model, method, control, metric } = row;
    const key = JSON.stringify([dataset, model, method, metric]);
    if (open?.key === key) return open;
    close();
    if (cells.has(key)) {
      throw new VitreousError(
        `the scores of ${model} with ${method} on ${dataset} by ${metric} do not come one after the other: give rows by data set, model, method, metric and image`,
      );
    }
    methods.set(method, { id: method, control });
    const none = <T>(): (T | null)[] => new Array<T | null>(groupsOf.get(dataset)?.length ?? 0).fill(null);
    open = {
      key,
      head: { dataset, model, method, control, metric },
      values: none(),
      relative: none(),
      correct: none(),
      reasons: none(),
      curves: [],
      curveGroups: [],
    };
    return open;
  };

  return {
    add(row) {
      const place = placesOf.get(row.dataset)?.get(row.image);
      if (place === undefined) {
        throw new VitreousError(
          `a score is of ${row.image}, which is no image of ${row.dataset} in this study`,
        );
      }
      const cell = cellOf(row);
      const { score, probability, reason, curve } = row;
      cell.values[place] = score;
      cell.relative[place] = score === null || probability === 0 ? null : score / probability;
      cell.correct[place] = row.correct;
      if (score === null) {
        cell.reasons[place] = reason ?? "no reason is recorded";
      } else if (curve.length > 0) {
        cell.curves.push(curve);
        cell.curveGroups.push(groupsOf.get(row.dataset)?.[place] ?? "");
      }
    },
    finish() {
      close();
      const ids = inOrder([...methods.keys()], declaration.methods);
      return { datasets, methods: ids.flatMap((id) => methods.get(id) ?? []), cells: [...cells.values()] };
    },
  };
}

function datasetOf({ dataset, images }: StoredDataset): CollectedDataset {
  return {
    id: dataset.id,
    images: images.map(({ name, sha256, group, label }) => ({ name, sha256, group, label })),
    groupOf: images.map(({ name, group }) => (group === null ? `image ${name}` : `group ${group}`)),
  };
}

/** Those declared first, in their order; then the others (controls) as they came. */
function inOrder(ids: readonly string[], declared: readonly { readonly id: string }[]): readonly string[] {
  const first = declared.map((d) => d.id).filter((id) => ids.includes(id));
  return [...first, ...ids.filter((id) => !first.includes(id))];
}

/** @file What `evaluate` writes: results.json with every curve, scores.csv with a row a score, and the summary. */
import { join } from "node:path";
import { stringify } from "csv-stringify/sync";
import { argmax, topPredictions } from "../api/prediction.js";
import type { Explanation, Score, ScoredImage } from "../api/types.js";
import { partialFile, recordFile } from "../imaging/node/partial-file.js";
import type { Candidate } from "./candidates.js";
import type { Failure, NamedImage } from "./images.js";
import { classRecord } from "./records.js";
import { type SummaryRow, summary } from "./summary.js";

/** An image with the maps that were scored, in the order of the scores. */
export interface ScoredSubject extends NamedImage {
  readonly candidates: readonly Candidate[];
  readonly explanation: Explanation | undefined;
}

/** One map's score under one metric: for the explained class, and for the true class where that is another. */
export interface PairedScore {
  readonly candidate: Candidate;
  readonly metric: string;
  readonly score: Score;
  readonly trueClass: Score | undefined;
}

export interface Results {
  add(
    subject: ScoredSubject,
    scored: ScoredImage,
    labels: readonly string[],
    metrics: readonly string[],
  ): Promise<void>;
  /** Gives the files their names; gives what was summarised. */
  finish(failed: readonly Failure[], seed: number, interrupted: boolean): Promise<readonly SummaryRow[]>;
  /** Removes what was written. Does nothing after finish. */
  discard(): Promise<void>;
}

const COLUMNS = [
  "image",
  "label",
  "class",
  "predicted",
  "method",
  "of",
  "metric",
  "auc",
  "p0",
  "auc_over_p0",
  "tied_fraction",
  "auc_tie_expectation",
  "auc_tie_min",
  "auc_tie_max",
  "true_class_auc",
  "notes",
] as const;

export async function openResults(
  folder: string,
  header: Readonly<Record<string, unknown>>,
): Promise<Results> {
  const json = await recordFile(join(folder, "results.json"), header, "images");
  const csv = await partialFile(join(folder, "scores.csv")).catch(async (error: unknown) => {
    await json.discard();
    throw error;
  });
  await csv.write(stringify([[...COLUMNS]]));
  const means = summary();
  return {
    async add(subject, scored, labels, metrics) {
      const pairs = pairScores(subject, scored, metrics);
      const { image } = subject;
      const target = subject.explanation?.target ?? { index: pairs[0]?.score.class ?? argmax(scored.logits) };
      const explained = classRecord(target, labels);
      const predictions = topPredictions(scored.logits, labels);
      const truth = image.label === undefined ? undefined : classRecord({ index: image.label }, labels);
      await json.add({
        image: image.name,
        sha256: image.sha256,
        ...(truth && { label: truth }),
        ...(subject.group === undefined ? {} : { group: subject.group }),
        class: explained,
        predictions,
        scores: pairs.map(scoreRecord),
        ...(contrasts(pairs).length > 0 ? { insertion_minus_deletion: contrasts(pairs) } : {}),
      });
      await csv.write(
        stringify(
          pairs.map(({ candidate, metric, score, trueClass }) => {
            const { extra } = score;
            const numbers = COLUMNS.slice(8, 14).map((name) => extra[name]);
            return [
              image.name,
              truth?.label,
              explained.label,
              predictions[0]?.label,
              candidate.method,
              candidate.of,
              metric,
              score.auc,
              ...numbers,
              trueClass?.auc,
              score.notes.join("; "),
            ];
          }),
        ),
      );
      const group = subject.group ?? image.name;
      for (const { candidate, metric, score } of pairs) {
        means.add({ ...keyOf(candidate), metric, direction: score.direction }, score.auc, group);
      }
      for (const { method, of, control, value } of contrasts(pairs)) {
        const key = { method, ...(of === undefined ? {} : { of }), control };
        means.add({ ...key, metric: "insertion - deletion", direction: "higher" }, value, group);
      }
    },
    async finish(failed, seed, interrupted) {
      const rows = means.rows(seed);
      await csv.finish();
      await json.finish({ summary: rows, failed, ...(interrupted ? { interrupted } : {}) });
      return rows;
    },
    async discard() {
      await json.discard();
      await csv.discard();
    },
  };
}

const keyOf = ({ method, of, control }: Candidate) => ({
  method,
  ...(of === undefined ? {} : { of }),
  control,
});

/** Scores come map by map, metric by metric, class by class; the first class is the explained one. */
export function pairScores(
  { candidates }: ScoredSubject,
  { scores }: ScoredImage,
  metrics: readonly string[],
): readonly PairedScore[] {
  const classes = new Set(scores.map((s) => s.class)).size;
  return candidates.flatMap((candidate, c) =>
    metrics.flatMap((metric, m) => {
      const at = (c * metrics.length + m) * classes;
      const score = scores[at];
      return score === undefined
        ? []
        : [{ candidate, metric, score, trueClass: classes > 1 ? scores[at + 1] : undefined }];
    }),
  );
}

function scoreRecord({ candidate, metric, score, trueClass }: PairedScore) {
  const { parameters, direction, auc, curve, extra, notes } = score;
  return {
    method: candidate.method,
    ...(candidate.of === undefined ? {} : { of: candidate.of }),
    metric,
    parameters,
    direction,
    auc,
    ...extra,
    curve,
    ...(trueClass && {
      true_class: { class: trueClass.class, auc: trueClass.auc, ...trueClass.extra, curve: trueClass.curve },
    }),
    ...(notes.length > 0 ? { notes } : {}),
  };
}

/** Insertion minus deletion of each map, where exactly one of each was measured. */
function contrasts(pairs: readonly PairedScore[]) {
  const of = (name: string): readonly PairedScore[] => pairs.filter((p) => p.score.metric === name);
  const insertions = of("insertion");
  return insertions.flatMap(({ candidate, score }) => {
    const deletions = of("deletion").filter((d) => d.candidate === candidate);
    const [deletion] = deletions;
    const single = deletions.length === 1 && insertions.filter((i) => i.candidate === candidate).length === 1;
    return deletion !== undefined && single
      ? [{ ...keyOf(candidate), value: score.auc - deletion.score.auc }]
      : [];
  });
}

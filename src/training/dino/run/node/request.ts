/** @file What a pretraining is asked for, and what it tells while it is under way. */
import type { FinetuneEvents, FinetuneRequest } from "../../../run/node/request.js";
import type { PretrainOptions } from "../options.js";
import type { PretrainingEpoch, PretrainingReport, QuickEvaluation } from "../record.js";

export interface PretrainRequest {
  /** Checkpoint: a folder, a file of weights, or hf:owner/name. From scratch, an architecture. */
  readonly model: string;
  /** Images: a folder or a manifest, with labels or without. */
  readonly data: string;
  /** Folder for the results and the state. */
  readonly out: string;
  /** File with the split of another run (its splits.json): only its training images are learnt from. */
  readonly splits?: string;
  /** Whether labelled images that look almost alike are kept in one part; they are by default. */
  readonly nearDuplicates?: FinetuneRequest["nearDuplicates"];
  readonly options: PretrainOptions;
  readonly open: FinetuneRequest["open"];
  /** The report as a page. */
  readonly page: (report: PretrainingReport) => string;
  /** When aborted, the state is saved and the signal's reason thrown. */
  readonly signal?: AbortSignal;
  readonly events?: PretrainEvents;
  /** Milliseconds between two saves within an epoch; five minutes by default. */
  readonly saveEvery?: number;
}

export interface PretrainEvents extends Pick<FinetuneEvents, "note" | "onLook" | "onStart" | "onStep"> {
  /** Images of a part whose features are computed. */
  readonly onEvaluate?: (part: string, done: number, total: number) => void;
  /** Evaluated before the first step. */
  readonly onBefore?: (evaluation: QuickEvaluation) => void;
  readonly onEpoch?: (record: PretrainingEpoch) => void;
}

/** @file What a fine-tuning is asked for, and what it tells while it is under way. */
import type { NearDuplicates } from "../../data/node/splits.js";
import type { EpochRecord, LoopProgress } from "../loop.js";
import type { FinetuneOptions } from "../options.js";
import type { TrainingReport } from "../report-data.js";
import type { OpenChoices } from "./checkpoint.js";

export interface FinetuneRequest {
  /** Checkpoint: a folder, a file of weights, or hf:owner/name. */
  readonly model: string;
  /** Data set: a folder or a manifest. */
  readonly data: string;
  /** Folder for the results and the state. */
  readonly out: string;
  /** Model to distil from: of the same classes and image size. */
  readonly teacher?: string;
  /** File with the classes' names in the order they are to have. */
  readonly labels?: string;
  /** File with the split of another run (its splits.json), which is then this one's. */
  readonly splits?: string;
  /** Whether images that look almost alike are kept in one part; they are by default. */
  readonly nearDuplicates?: NearDuplicates;
  readonly options: FinetuneOptions;
  readonly open: OpenChoices;
  /** The report as a page. */
  readonly page: (report: TrainingReport) => string;
  /** When aborted, the state is saved and the signal's reason thrown. */
  readonly signal?: AbortSignal;
  readonly events?: FinetuneEvents;
  /** Milliseconds between two saves within an epoch; five minutes by default. */
  readonly saveEvery?: number;
}

export interface FinetuneEvents {
  /** A sentence for a person. */
  readonly note?: (text: string) => void;
  /** Files of the data set looked at. */
  readonly onLook?: (done: number, total: number) => void;
  /** Before the first step of this process: what is ahead, and what is done already. */
  readonly onStart?: (start: RunStart) => void;
  readonly onStep?: (progress: LoopProgress) => void;
  /** Images of a part evaluated. */
  readonly onEvaluate?: (part: "validation" | "test", done: number, total: number) => void;
  readonly onEpoch?: (record: EpochRecord, best: boolean) => void;
}

export interface RunStart {
  readonly epochs: number;
  /** Images of an epoch. */
  readonly images: number;
  readonly epochsDone: number;
  /** Of the epoch under way. */
  readonly imagesDone: number;
  readonly resumed: boolean;
}

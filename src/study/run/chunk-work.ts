/** @file What the steps of computing a chunk have in common: what they are given, what they tell, how a failure ends. */
import type { ModelImage } from "../../api/image.js";
import type { OpenedModel } from "../../api/opened.js";
import type { TargetChoice } from "../../api/target.js";
import type { Method, TokenMap } from "../../explain/method.js";
import { VitreousError } from "../../onnx/errors.js";
import type { PlannedImage } from "../plan/plan.js";
import type { UnitResult } from "../store/unit.js";
import type { StudyFailure, UnitKey } from "../types.js";
import type { Explained } from "./explained.js";
import type { ByImage } from "./results.js";
import type { ChunkUnits, UnitContext } from "./units.js";

export interface ChunkWork {
  readonly context: UnitContext;
  readonly images: readonly PlannedImage[];
  readonly units: ChunkUnits;
  readonly model: OpenedModel;
  readonly choice: TargetChoice;
  /** By id. */
  readonly methods: ReadonlyMap<string, Method>;
  /** The image as the model takes it, or why it cannot. Throws VitreousError where that may be otherwise another time. */
  readonly readImage: (image: PlannedImage) => Promise<ModelImage | { readonly failed: string }>;
  /** What is stored. */
  readonly read: (key: UnitKey) => UnitResult | undefined;
  readonly write: (key: UnitKey, result: UnitResult) => Promise<void>;
  /** One explanation at a time: the model keeps few graphs for them. */
  readonly explaining: <T>(work: () => Promise<T>) => Promise<T>;
  readonly report: ChunkReport;
  readonly signal?: AbortSignal | undefined;
}

export interface ChunkReport {
  /** A unit of scores is stored. */
  readonly scored: (key: UnitKey, cells: number) => void;
  readonly forwards: (count: number) => void;
  readonly failure: (failure: Pick<StudyFailure, "image" | "method" | "reason">) => void;
  readonly maps: (method: string, maps: ByImage<TokenMap>) => void;
}

/** An image that has a class to explain. */
export interface Subject {
  readonly index: number;
  readonly planned: PlannedImage;
  readonly image: ModelImage;
  readonly logits: Float32Array;
  readonly explained: Explained;
  readonly blurred: () => Float32Array;
}

/** What `compute` gives, or undefined once its failure is reported. */
export async function attempt<T>(
  { signal, report }: ChunkWork,
  method: string | null,
  compute: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await compute();
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof VitreousError)) throw error;
    report.failure({ image: null, method, reason: error.message });
    return undefined;
  }
}

/** Of one run: how many it takes at once, and what it counts. */
export function settings({ context, signal, report }: ChunkWork) {
  let before = 0;
  return {
    batch: context.declaration.run.batch,
    ...(signal && { signal }),
    onProgress: (done: number) => {
      report.forwards(done - before);
      before = done;
    },
  };
}

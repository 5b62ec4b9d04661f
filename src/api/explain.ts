/** @file Runs compiled methods over images in batches: logits and a token map for each image and method. */
import type { Anatomy } from "../anatomy/anatomy.js";
import { type Compiled, SEED_INPUT } from "../explain/compile.js";
import type { Method, TokenMap } from "../explain/method.js";
import type { Fetches, NdArray, Session } from "../runtime/runtime.js";
import { inBatches, pipelined } from "./batches.js";
import type { ModelImage } from "./image.js";
import { seedOf, type Target } from "./target.js";

export interface Subject {
  readonly image: ModelImage;
  readonly target: Target;
}

export interface RawExplanation {
  readonly subject: Subject;
  readonly logits: Float32Array;
  /** One for each method, in their order. */
  readonly maps: readonly TokenMap[];
}

export interface ExplainRun {
  readonly session: Session;
  readonly compiled: Compiled;
  readonly anatomy: Anatomy;
  readonly methods: readonly Method[];
  readonly batch: number;
  readonly signal?: AbortSignal | undefined;
  /** The model's input from normalised images. */
  readonly feed: (images: readonly ModelImage[]) => Record<string, NdArray>;
}

export async function* explainSubjects(
  subjects: AsyncIterable<Subject> | Iterable<Subject>,
  run: ExplainRun,
): AsyncGenerator<RawExplanation> {
  const start = async (batch: readonly Subject[]): Promise<readonly RawExplanation[]> => {
    const feeds = run.feed(batch.map((s) => s.image));
    const rows = Math.max(...Object.values(feeds).map((array) => array.dims[0] ?? 1));
    if (run.compiled.mode === "given") feeds[SEED_INPUT] = seeds(batch, run.anatomy.output.classes, rows);
    const options = { transfer: true, ...(run.signal ? { signal: run.signal } : {}) };
    return mapsOf(await run.session.run(feeds, options), batch, rows, run);
  };
  for await (const batch of pipelined(inBatches(subjects, run.batch), 2, start)) yield* batch;
}

/** `rows`: images of the run, more than `batch` has where a fixed number is filled up. */
function seeds(batch: readonly Subject[], classes: number, rows: number): NdArray {
  const data = new Float32Array(rows * classes);
  batch.forEach(({ target }, i) => {
    if (target === "top") throw new RangeError("a compiled graph with given targets needs them");
    data.set(seedOf(target, classes), i * classes);
  });
  return { dtype: "float32", dims: [rows, classes], data };
}

function mapsOf(
  fetches: Fetches,
  batch: readonly Subject[],
  rows: number,
  run: ExplainRun,
): readonly RawExplanation[] {
  const logits = floats(fetches[run.compiled.logits]);
  const width = logits.length / rows;
  const maps = run.methods.map((method, m) => {
    const taps: Record<string, NdArray> = {};
    for (const [tap, output] of Object.entries(run.compiled.taps[m] ?? {})) {
      const array = fetches[output];
      if (array !== undefined) taps[tap] = firstOf(array, batch.length, rows);
    }
    return method.maps(taps, run.anatomy, batch.length);
  });
  return batch.map((subject, i) => ({
    subject,
    logits: logits.slice(i * width, (i + 1) * width),
    maps: maps.map((perImage) => perImage[i] ?? { grid: [0, 0], values: new Float32Array(0) }),
  }));
}

/** What belongs to the first `count` of the `rows` images of a run: images change slowest in every tap. */
function firstOf(array: NdArray, count: number, rows: number): NdArray {
  if (count === rows) return array;
  const dims = array.dims.map((d, axis) => (axis === 0 ? (d * count) / rows : d));
  return { ...array, dims, data: array.data.slice(0, (array.data.length * count) / rows) };
}

export function floats(array: NdArray | undefined): Float32Array {
  if (!(array?.data instanceof Float32Array)) throw new TypeError("expected a float32 output");
  return array.data;
}

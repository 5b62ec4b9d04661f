/**
 * @file Runs metrics' plans: every input that any plan of an image asks for is run once, in batches that fill
 * across steps, metrics, methods and images, while the next batch is being written.
 */
import type { EvaluationPlan } from "../metrics/metric.js";
import type { NdArray, Session } from "../runtime/runtime.js";
import { pipelined } from "./batches.js";
import { floats } from "./explain.js";

/** One image's plans, and the logits that are known already (the clean image's, under "clean"). */
export interface ScoreJob<T> {
  readonly id: T;
  readonly plans: readonly EvaluationPlan[];
  readonly known?: ReadonlyMap<string, Float32Array>;
}

export interface ScoredJob<T> {
  readonly id: T;
  /** For each plan, the logits at each of its inputs, in order. */
  readonly logits: readonly (readonly Float32Array[])[];
}

export interface ScoreRun {
  readonly session: Session;
  readonly logits: string;
  readonly classes: number;
  readonly batch: number;
  /** Elements of one input, channels·height·width. */
  readonly size: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of inputs run so far. */
  readonly onForward?: ((count: number) => void) | undefined;
  /** The model's input from `count` normalised images in a row. The array may be given away. */
  readonly feed: (rows: Float32Array, count: number) => Record<string, NdArray>;
}

interface Row<T> {
  readonly job: PendingJob<T>;
  readonly key: string;
}

interface PendingJob<T> {
  readonly job: ScoreJob<T>;
  readonly results: Map<string, Float32Array>;
}

interface Batch<T> {
  readonly rows: readonly Row<T>[];
  readonly data: Float32Array;
  /** Jobs all of whose inputs are written by now: done when this batch is back. */
  readonly ended: readonly PendingJob<T>[];
}

/** Results in the order of the jobs. */
export async function* scoreJobs<T>(
  jobs: AsyncIterable<ScoreJob<T>> | Iterable<ScoreJob<T>>,
  run: ScoreRun,
): AsyncGenerator<ScoredJob<T>> {
  const free: Float32Array[] = [];
  let forwards = 0;
  const start = async (batch: Batch<T>): Promise<Batch<T>> => {
    const count = batch.rows.length;
    if (count === 0) return batch;
    const feeds = run.feed(count === run.batch ? batch.data : batch.data.slice(0, count * run.size), count);
    const fetches = await run.session.run(feeds, {
      outputs: [run.logits],
      transfer: true,
      ...(run.signal ? { signal: run.signal } : {}),
      giveBack: (back) => {
        for (const { data } of Object.values(back)) {
          if (data instanceof Float32Array && data.length === run.batch * run.size) free.push(data);
        }
      },
    });
    const logits = floats(fetches[run.logits]);
    batch.rows.forEach(({ job, key }, i) => {
      job.results.set(key, logits.slice(i * run.classes, (i + 1) * run.classes));
    });
    forwards += count;
    run.onForward?.(forwards);
    return batch;
  };
  const take = (): Float32Array => free.pop() ?? new Float32Array(run.batch * run.size);
  for await (const batch of pipelined(fillBatches(jobs, run, take), 2, start)) {
    for (const { job, results } of batch.ended) yield finish(job, results);
  }
}

/** Writes the inputs not yet known, plan after plan, image after image. */
async function* fillBatches<T>(
  jobs: AsyncIterable<ScoreJob<T>> | Iterable<ScoreJob<T>>,
  run: ScoreRun,
  take: () => Float32Array,
): AsyncGenerator<Batch<T>> {
  let data = take();
  let rows: Row<T>[] = [];
  let ended: PendingJob<T>[] = [];
  for await (const job of jobs) {
    const pending: PendingJob<T> = { job, results: new Map(job.known) };
    const asked = new Set(pending.results.keys());
    for (const plan of job.plans) {
      for (let i = 0; i < plan.count; i++) {
        const key = plan.key(i);
        if (asked.has(key)) continue;
        asked.add(key);
        plan.write(i, data.subarray(rows.length * run.size, (rows.length + 1) * run.size));
        rows.push({ job: pending, key });
        if (rows.length === run.batch) {
          yield { rows, data, ended };
          data = take();
          rows = [];
          ended = [];
        }
      }
    }
    ended.push(pending);
  }
  yield { rows, data, ended };
}

function finish<T>(job: ScoreJob<T>, results: ReadonlyMap<string, Float32Array>): ScoredJob<T> {
  const logits = job.plans.map((plan) =>
    Array.from({ length: plan.count }, (_, i) => {
      const row = results.get(plan.key(i));
      if (row === undefined) throw new RangeError("an input of a plan was never run");
      return row;
    }),
  );
  return { id: job.id, logits };
}

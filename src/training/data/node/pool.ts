/**
 * @file Images prepared in worker threads, with what has been decoded kept in memory as far as a budget goes: decoding
 * is most of the work, and an epoch asks for the same files again. What does not fit is decoded each time; nothing is
 * thrown out, since an epoch comes back to every image and the last one dropped would be the next one wanted.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { VitreousError } from "../../../onnx/errors.js";
import type { ImagePool, ImageTask, Prepared } from "../pool.js";
import type { SharedPixels, WorkerReply, WorkerTask } from "./protocol.js";

export interface ImagePoolOptions {
  /** Threads; by default one for every two cores, since the step wants them too (see bench/training-data.js). */
  readonly workers?: number;
  /** Memory for decoded pixels; 1 GiB by default, 0 keeps nothing. */
  readonly cacheBytes?: number;
}

/** Tasks that a worker has at a time: one to do, one to begin with when that is done. */
const DEPTH = 2;
/** Arrays kept for writing again. */
const SPARE = 64;

interface Job {
  readonly task: ImageTask;
  readonly resolve: (prepared: Prepared) => void;
  readonly reject: (reason: unknown) => void;
  readonly signal: AbortSignal | undefined;
  settled: boolean;
}

interface Member {
  readonly worker: Worker;
  readonly jobs: Map<number, Job>;
}

/** Starts the threads. `close()` them; a process that forgets to can end all the same. */
export function imagePool(options: ImagePoolOptions = {}): ImagePool {
  const { workers = Math.max(1, availableParallelism() >> 1), cacheBytes = 2 ** 30 } = options;
  if (!Number.isInteger(workers) || workers < 1) {
    throw new VitreousError(`The number of workers must be a whole number, at least 1, not ${workers}.`);
  }
  if (!(cacheBytes >= 0)) {
    throw new VitreousError(`The memory for decoded images must be 0 bytes or more, not ${cacheBytes}.`);
  }
  // Node's own options are not for the worker: some of them (--input-type, --eval) keep it from starting.
  const start = () => new Worker(new URL("./worker.js", import.meta.url), { execArgv: [] });
  return poolOf(Array.from({ length: workers }, start), cacheBytes);
}

/** A pool of workers that speak the protocol. */
export function poolOf(workers: readonly Worker[], cacheBytes: number): ImagePool {
  const cache = new Map<string, SharedPixels>();
  const spare: Float32Array[] = [];
  const queue: Job[] = [];
  let room = cacheBytes;
  // One listener a signal, not one a job: an epoch's signal has a hundred jobs at a time.
  const watched = new Map<AbortSignal, { readonly jobs: Set<Job>; readonly stop: () => void }>();
  let nextId = 0;
  let ended: VitreousError | undefined;

  const watch = (signal: AbortSignal, job: Job): void => {
    const before = watched.get(signal);
    if (before) {
      before.jobs.add(job);
      return;
    }
    const jobs = new Set([job]);
    const onAbort = () => {
      for (const one of jobs) settle(one, () => one.reject(signal.reason));
    };
    signal.addEventListener("abort", onAbort);
    watched.set(signal, { jobs, stop: () => signal.removeEventListener("abort", onAbort) });
  };

  const settle = (job: Job, how: () => void): void => {
    if (job.settled) return;
    job.settled = true;
    const watching = job.signal && watched.get(job.signal);
    watching?.jobs.delete(job);
    if (job.signal && watching?.jobs.size === 0) {
      watching.stop();
      watched.delete(job.signal);
    }
    how();
  };

  const send = ({ worker, jobs }: Member, job: Job): void => {
    const id = nextId++;
    const decoded = cache.get(job.task.path);
    const out = spare.pop();
    const task: WorkerTask = {
      ...job.task,
      id,
      keep: decoded ? 0 : room,
      ...(decoded ? { decoded } : {}),
      ...(out ? { out } : {}),
    };
    jobs.set(id, job);
    worker.ref();
    worker.postMessage(task, out ? [out.buffer as ArrayBuffer] : []);
  };

  /** Gives waiting tasks to the members that have least to do. */
  const dispatch = (): void => {
    while (queue.length > 0) {
      const free = members.reduce((a, b) => (b.jobs.size < a.jobs.size ? b : a));
      if (free.jobs.size >= DEPTH) return;
      const job = queue.shift();
      if (job && !job.settled) send(free, job);
    }
  };

  const receive = ({ worker, jobs }: Member, reply: WorkerReply): void => {
    const job = jobs.get(reply.id);
    jobs.delete(reply.id);
    if (jobs.size === 0) worker.unref();
    if (!job) return;
    if ("pixels" in reply) {
      const { decoded, pixels } = reply;
      if (decoded && decoded.buffer.byteLength <= room && !cache.has(job.task.path)) {
        cache.set(job.task.path, decoded);
        room -= decoded.buffer.byteLength;
      }
      if (job.settled) recycle(pixels);
      else settle(job, () => job.resolve({ pixels }));
    } else if ("failure" in reply) settle(job, () => job.resolve({ failure: reply.failure }));
    else settle(job, () => job.reject(new Error(`${job.task.path} could not be prepared: ${reply.defect}`)));
    dispatch();
  };

  const end = (error: VitreousError): void => {
    if (ended) return;
    ended = error;
    const jobs = [...members.flatMap((member) => [...member.jobs.values()]), ...queue.splice(0)];
    for (const { worker, jobs: own } of members) {
      own.clear();
      worker.unref();
    }
    for (const job of jobs) settle(job, () => job.reject(error));
    cache.clear();
    spare.length = 0;
  };

  const recycle = (pixels: Float32Array): void => {
    const whole = pixels.byteLength > 0 && pixels.byteLength === pixels.buffer.byteLength;
    if (!ended && whole && spare.length < SPARE) spare.push(pixels);
  };

  const members: readonly Member[] = workers.map((worker) => {
    const member: Member = { worker, jobs: new Map() };
    const died = (why: string) =>
      end(
        new VitreousError(`A worker that prepares images ended unexpectedly (${why}); run again to go on.`),
      );
    worker.on("message", (reply: WorkerReply) => receive(member, reply));
    worker.once("error", (error: unknown) => died(error instanceof Error ? error.message : String(error)));
    worker.once("exit", (code) => died(`exit code ${code}`));
    worker.unref();
    return member;
  });

  return {
    prepare(task, signal) {
      if (ended) return Promise.reject(ended);
      if (signal?.aborted) return Promise.reject(signal.reason);
      return new Promise((resolve, reject) => {
        const job: Job = { task, resolve, reject, signal, settled: false };
        if (signal) watch(signal, job);
        queue.push(job);
        dispatch();
      });
    },
    recycle,
    async close() {
      end(new VitreousError("The images' workers were closed."));
      await Promise.all(
        workers.map((worker) => {
          worker.ref();
          return worker.terminate();
        }),
      );
    },
  };
}

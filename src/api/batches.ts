/**
 * @file Runs keep two batches under way: while ONNX Runtime computes one, the next is being filled, and no more
 * than that is ever in memory.
 */

/** Groups items into arrays of `size`; the last may be shorter. */
export async function* inBatches<T>(
  items: AsyncIterable<T> | Iterable<T>,
  size: number,
): AsyncGenerator<readonly T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

/** Maps with up to `depth` promises under way; results in order. What was started is awaited even after a failure. */
export async function* pipelined<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  depth: number,
  start: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const promise = start(item);
      // A rejection is reported where the result is awaited; without this a later one would be "unhandled".
      promise.catch(() => undefined);
      running.push(promise);
      if (running.length >= depth) {
        const next = running.shift();
        if (next !== undefined) yield await next;
      }
    }
    for (let next = running.shift(); next !== undefined; next = running.shift()) yield await next;
  } finally {
    await Promise.allSettled(running);
  }
}

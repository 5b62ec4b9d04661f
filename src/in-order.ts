/** @file Promised values in their order, some of them made ahead: what batches, and looks at many files, come through. */

/** At most `ahead` + 1 of the promised values are under way; a consumer that stops early abandons the rest. */
export async function* inOrder<T>(
  from: number,
  count: number,
  ahead: number,
  make: (n: number, signal: AbortSignal) => Promise<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  const stop = new AbortController();
  const all = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const pending: Promise<T>[] = [];
  let next = from;
  const fill = (length: number): void => {
    for (; pending.length < length && next < count; next++) {
      const made = make(next, all);
      // It is awaited later; until then its failure is nobody's.
      made.catch(() => undefined);
      pending.push(made);
    }
  };
  try {
    for (;;) {
      signal?.throwIfAborted();
      fill(ahead + 1);
      const first = pending.shift();
      if (!first) return;
      const value = await first;
      fill(ahead);
      yield value;
    }
  } finally {
    stop.abort();
  }
}

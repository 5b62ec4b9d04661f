/**
 * @file Steps one after the other, saved now and then, so that whatever ends a run takes minutes of it and not more: what
 * every kind of training here has in common.
 */

/** Milliseconds between two saves, where nothing else is asked for. */
export const SAVE_EVERY = 300_000;

export interface StepsOptions<Unit, Result, Sums> {
  /** What each step is made of. */
  readonly units: AsyncIterable<Unit>;
  /** Sums over the steps that are done, when these begin. */
  readonly from: Sums;
  readonly step: (unit: Unit) => Promise<Result>;
  /** @param seconds since the step before was done, waiting for the unit included */
  readonly add: (sums: Sums, unit: Unit, result: Result, seconds: number) => Sums;
  readonly save: (sums: Sums) => Promise<void>;
  /** Milliseconds between two saves. */
  readonly saveEvery: number;
  /** When aborted: the step under way is ended, the state saved, and the signal's reason thrown. */
  readonly signal?: AbortSignal;
  readonly onStep?: (sums: Sums) => void;
  /** Milliseconds. */
  readonly now?: () => number;
}

/** Takes all units; gives the sums over all steps. */
export async function runSteps<Unit, Result, Sums>(options: StepsOptions<Unit, Result, Sums>): Promise<Sums> {
  const { units, from, step, add, save, saveEvery, signal, onStep, now = Date.now } = options;
  let sums = from;
  let saved = now();
  let stepped = saved;
  for await (const unit of units) {
    const result = await step(unit);
    const time = now();
    sums = add(sums, unit, result, (time - stepped) / 1000);
    stepped = time;
    onStep?.(sums);
    if (signal?.aborted || time - saved >= saveEvery) {
      await save(sums);
      saved = now();
    }
    signal?.throwIfAborted();
  }
  return sums;
}

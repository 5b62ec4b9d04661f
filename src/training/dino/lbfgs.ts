/**
 * @file The least value of a smooth convex function of many numbers, by L-BFGS (Liu & Nocedal 1989; Nocedal & Wright 2006,
 * algorithm 7.4) with a halved step (Armijo): no rate to choose, and the same result in every run.
 */

/** The function's value; its gradient is written to `gradient`. */
export type Smooth = (at: Float64Array, gradient: Float64Array) => number;

export interface LbfgsOptions {
  /** Ends where no part of the gradient is larger. */
  readonly tolerance: number;
  readonly iterations: number;
  readonly signal?: AbortSignal;
}

export interface Minimum {
  readonly at: Float64Array;
  readonly value: number;
  /** Whether the gradient is within the tolerance. */
  readonly converged: boolean;
}

/** Steps that are remembered. */
const MEMORY = 10;
/** Of Armijo's condition. */
const DECREASE = 1e-4;
const HALVINGS = 40;

const inner = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
};

/** to += factor·from */
const add = (to: Float64Array, factor: number, from: Float64Array): void => {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + factor * (from[i] as number);
};

interface Pair {
  readonly s: Float64Array;
  readonly y: Float64Array;
  readonly rho: number;
}

/** −H·gradient, H the inverse Hessian as far as the pairs tell. */
function direction(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const d = gradient.map((g) => -g);
  const alphas: number[] = [];
  for (const { s, y, rho } of [...pairs].reverse()) {
    const alpha = rho * inner(s, d);
    alphas.unshift(alpha);
    add(d, -alpha, y);
  }
  const last = pairs.at(-1);
  // Without a pair, a step of length 1 at most.
  const scale = last
    ? 1 / (last.rho * inner(last.y, last.y))
    : 1 / Math.max(1, Math.sqrt(inner(gradient, gradient)));
  for (let i = 0; i < d.length; i++) d[i] = (d[i] as number) * scale;
  for (const [i, { s, y, rho }] of pairs.entries()) add(d, (alphas[i] ?? 0) - rho * inner(y, d), s);
  return d;
}

/** @throws the signal's reason when it is aborted */
export async function minimise(smooth: Smooth, from: Float64Array, options: LbfgsOptions): Promise<Minimum> {
  const { tolerance, iterations, signal } = options;
  let at = from.slice();
  let gradient = new Float64Array(at.length);
  let value = smooth(at, gradient);
  const pairs: Pair[] = [];
  const flat = (): boolean => gradient.every((g) => Math.abs(g) <= tolerance);
  for (let i = 0; i < iterations && !flat(); i++) {
    // Whoever waits for the event loop (Ctrl-C, workers) gets a turn.
    await new Promise((resolve) => setTimeout(resolve, 0));
    signal?.throwIfAborted();
    const d = direction(gradient, pairs);
    const slope = inner(gradient, d);
    const there = new Float64Array(at.length);
    const next = new Float64Array(at.length);
    let step = 1;
    let reached = Number.POSITIVE_INFINITY;
    let halvings = 0;
    for (; halvings < HALVINGS; halvings++, step /= 2) {
      there.set(at);
      add(there, step, d);
      reached = smooth(there, next);
      if (reached <= value + DECREASE * step * slope) break;
    }
    // Nothing lower can be told from here: as near as these numbers come.
    if (halvings === HALVINGS) break;
    const s = there.map((v, k) => v - (at[k] as number));
    const y = next.map((v, k) => v - (gradient[k] as number));
    const curvature = inner(s, y);
    if (curvature > 0) pairs.push({ s, y, rho: 1 / curvature });
    if (pairs.length > MEMORY) pairs.shift();
    [at, gradient, value] = [there, next, reached];
  }
  return { at, value, converged: flat() };
}

/**
 * @file Graphics devices are fast, but not all of their kernels and drivers compute right, and a wrong heat map
 * looks like any other. So a model is run once on the device and once on a reference before the device is trusted.
 */
import { VitreousError } from "../onnx/errors.js";
import type { ArrayData, Feeds, Fetches, LoadOptions, Runtime, Session } from "./runtime.js";

export interface SelfCheckOptions extends LoadOptions {
  /** Largest difference accepted, relative to the largest value of the output. */
  readonly tolerance?: number;
  /**
   * Called with the reason when the device fails the check; the reference's session is used then. Without it, a
   * failed check throws.
   */
  readonly onFallback?: (reason: string) => void;
}

/** Single precision with another order of summation stays below this through some dozen blocks. */
const defaultTolerance = 1e-3;

function largest(data: ArrayData): number {
  let most = 0;
  for (const value of data) most = Math.max(most, Math.abs(Number(value)));
  return most;
}

/**
 * The largest difference between two results, output by output relative to the reference's largest value;
 * Infinity where one has what the other has not, or where it is no number.
 */
export function disagreement(reference: Fetches, tested: Fetches): number {
  let worst = 0;
  for (const [name, { data: expected }] of Object.entries(reference)) {
    const got = tested[name]?.data;
    if (got === undefined || got.length !== expected.length) return Infinity;
    const scale = largest(expected) || 1;
    for (let i = 0; i < expected.length; i++) {
      const difference = Math.abs(Number(got[i]) - Number(expected[i])) / scale;
      if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
    }
  }
  return worst;
}

/**
 * Loads a model on `device`, having compared its results for `feeds` with those of `reference` (the runtime on the
 * CPU or in WebAssembly). Falls back to the reference only if `onFallback` is there to say so.
 */
export async function loadChecked(
  device: Runtime,
  reference: Runtime,
  model: readonly Uint8Array[],
  feeds: Feeds,
  options: SelfCheckOptions = {},
): Promise<Session> {
  const { tolerance = defaultTolerance, onFallback } = options;
  const trusted = await reference.load(model, options);
  const reason = await check();
  if (typeof reason !== "string") {
    await trusted.release();
    return reason;
  }
  if (onFallback === undefined) {
    await trusted.release();
    throw new VitreousError(`${reason} Use the device '${reference.device}'.`);
  }
  onFallback(`${reason} Using '${reference.device}' instead.`);
  return trusted;

  /** The session on the device, or why it is not to be trusted. */
  async function check(): Promise<Session | string> {
    let session: Session | undefined;
    try {
      session = await device.load(model, options);
      const difference = disagreement(await trusted.run(feeds), await session.run(feeds));
      if (difference <= tolerance) return session;
      await session.release();
      return (
        `The device '${device.device}' computes this model wrong: its results differ from those of ` +
        `'${reference.device}' by ${difference.toPrecision(2)} of their largest value, and ${tolerance} is allowed.`
      );
    } catch (error) {
      await session?.release();
      if (error instanceof VitreousError) return error.message;
      await trusted.release();
      throw error;
    }
  }
}

/**
 * @file Questions to a worker and its answers, whatever is asked: aborts, a worker that crashes or is closed, and a process
 * that must not be kept alive by one that nobody waits for.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Reply, Request } from "./protocol.js";

/** A worker, as far as this file needs it. */
export interface Wire<Job> {
  post(request: Request<Job>, transfer: readonly ArrayBuffer[]): void;
  /** Says whether an answer is awaited; a worker that nobody waits for must not keep the process alive. */
  busy(awaiting: boolean): void;
  onReply(listener: (reply: Reply) => void): void;
  /** The worker ended, on request or not. */
  onEnd(listener: (reason: string) => void): void;
  /** Ends the worker if it has not ended by itself. */
  end(): Promise<void>;
}

/** What ONNX Runtime says when it refuses; to be put into words by whoever knows what was being done. */
export class Refusal extends Error {}

export type Ask<Job> = (
  job: Job,
  transfer?: readonly ArrayBuffer[],
  signal?: AbortSignal,
) => Promise<unknown>;

/** Asks a worker one thing after another, and knows which answer belongs to what. */
export function asker<Job>(wire: Wire<Job>): Ask<Job> {
  const pending = new Map<
    number,
    { readonly resolve: (value: unknown) => void; readonly reject: (error: unknown) => void }
  >();
  let ended: string | undefined;
  let ids = 0;

  const take = (id: number) => {
    const request = pending.get(id);
    pending.delete(id);
    if (pending.size === 0) wire.busy(false);
    return request;
  };

  wire.onReply((reply) => {
    const request = take(reply.id);
    if (reply.ok) request?.resolve(reply.value);
    else request?.reject(new Refusal(reply.message));
  });
  wire.onEnd((reason) => {
    ended ??= reason;
    for (const id of [...pending.keys()]) take(id)?.reject(new VitreousError(ended));
  });

  return (job, transfer = [], signal) =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) throw new VitreousError(ended);
      signal?.throwIfAborted();
      const id = ids++;
      const onAbort = () => {
        wire.post({ kind: "cancel", id }, []);
        take(id)?.reject(signal?.reason);
      };
      const settled =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          signal?.removeEventListener("abort", onAbort);
          settle(value);
        };
      wire.post({ kind: "job", id, job }, transfer);
      signal?.addEventListener("abort", onAbort, { once: true });
      pending.set(id, { resolve: settled(resolve), reject: settled(reject) });
      wire.busy(true);
    });
}

/**
 * @file The caller's side of a worker: a `Runtime` whose sessions live in another thread. Node's worker and the
 * browser's differ only in the `Wire`.
 */
import { VitreousError } from "../../onnx/errors.js";
import { joinPieces } from "../../onnx/write.js";
import { failure } from "../failure.js";
import { checkFeeds, checkOutputs } from "../feeds.js";
import type { Feeds, Fetches, LoadOptions, NdArray, RunOptions, Runtime, Session } from "../runtime.js";
import { type Ask, asker, Refusal, type Wire as WireOf } from "./ask.js";
import type { Job, LoadResult, OpenResult, RunResult, WireArray } from "./protocol.js";

export type Wire = WireOf<Job>;

/** The feeds as they travel, with the buffers that are given away: the caller's own, or copies of them. */
function pack(
  feeds: Feeds,
  transfer: boolean,
): { readonly arrays: WireArray[]; readonly buffers: ArrayBuffer[] } {
  const buffers = new Set<ArrayBuffer>();
  const arrays = Object.entries(feeds).map(([name, { dtype, dims, data }]): WireArray => {
    const whole = data.byteLength === data.buffer.byteLength && data.buffer instanceof ArrayBuffer;
    const own = transfer && whole ? data : data.slice();
    if (own.buffer instanceof ArrayBuffer) buffers.add(own.buffer);
    return { name, dtype, dims, data: own };
  });
  return { arrays, buffers: [...buffers] };
}

const unpack = (arrays: readonly WireArray[]): Record<string, NdArray> =>
  Object.fromEntries(arrays.map(({ name, dtype, dims, data }) => [name, { dtype, dims, data }]));

async function open(wire: Wire, ask: Ask<Job>, device: string, settings: unknown): Promise<OpenResult> {
  try {
    const opened = (await ask({ kind: "open", settings })) as OpenResult;
    if (opened.devices.length > 0 && !opened.devices.includes(device)) {
      throw new VitreousError(
        `The installed ONNX Runtime was built without the device '${device}'; it has ${opened.devices.join(", ")}.`,
      );
    }
    return opened;
  } catch (error) {
    await ask({ kind: "close" }).catch(() => undefined);
    await wire.end();
    if (!(error instanceof Refusal)) throw error;
    throw new VitreousError(
      `ONNX Runtime cannot be started: ${error.message.split("\n", 1)[0]}. Is it installed, and built for this platform?`,
      { cause: error.message },
    );
  }
}

/** Opens the engine in the worker. `settings` are for the worker; `device` is for the caller and for messages. */
export async function remoteRuntime(wire: Wire, device: string, settings: unknown): Promise<Runtime> {
  const ask = asker(wire);
  const { devices } = await open(wire, ask, device, settings);
  let sessions = 0;
  let closing: Promise<void> | undefined;

  /** Asks, and puts a refusal into words. */
  const request = async (
    doing: "load" | "run",
    model: string,
    ...asked: Parameters<Ask<Job>>
  ): Promise<unknown> => {
    if (closing !== undefined) throw new VitreousError(`The runtime was closed; ${model} cannot ${doing}.`);
    try {
      return await ask(...asked);
    } catch (error) {
      throw error instanceof Refusal ? failure(error.message, { doing, model, device, devices }) : error;
    }
  };

  async function load(pieces: readonly Uint8Array[], options: LoadOptions = {}): Promise<Session> {
    const { name, signal } = options;
    const model = name === undefined ? "the model" : `the model '${name}'`;
    signal?.throwIfAborted();
    const bytes = joinPieces(pieces);
    const session = sessions++;
    const free = () => ask({ kind: "release", session }).then(() => undefined);
    let released: Promise<void> | undefined;

    const { inputs, outputs } = (await request(
      "load",
      model,
      { kind: "load", session, model: bytes },
      [bytes.buffer],
      signal,
    ).catch((error: unknown) => {
      // The worker may have been loading it already.
      if (signal?.aborted) void free().catch(() => undefined);
      throw error;
    })) as LoadResult;
    const outputNames = outputs.map((output) => output.name);

    return {
      inputNames: inputs.map((input) => input.name),
      outputNames,
      async run(feeds: Feeds, runOptions: RunOptions = {}): Promise<Fetches> {
        const { outputs: wanted = outputNames, transfer = false, giveBack } = runOptions;
        if (released !== undefined)
          throw new VitreousError(`The session of ${model} was released; load it again.`);
        runOptions.signal?.throwIfAborted();
        checkFeeds(inputs, feeds);
        checkOutputs(outputs, wanted);
        const { arrays, buffers } = pack(feeds, transfer);
        const job: Job = {
          kind: "run",
          session,
          feeds: arrays,
          outputs: wanted,
          giveBack: transfer && giveBack !== undefined,
        };
        const result = (await request("run", model, job, buffers, runOptions.signal)) as RunResult;
        if (job.giveBack) giveBack?.(unpack(result.feeds));
        return unpack(result.outputs);
      },
      release() {
        // A runtime that has been closed or has crashed has released everything.
        released ??= closing ?? free().catch(() => undefined);
        return released;
      },
    };
  }

  return {
    device,
    load,
    close() {
      closing ??= ask({ kind: "close" })
        .catch(() => undefined)
        .then(() => wire.end());
      return closing;
    },
  };
}

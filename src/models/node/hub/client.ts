/**
 * @file Requests to the hub, whoever makes them: @huggingface/hub gets its `fetch` from here. The library would send
 * the token to any address that the hub names for the next page, take only tokens that begin with "hf_", wait for ever
 * for a silent server, and lose the headers that say why something was refused.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { VitreousError } from "../../../onnx/errors.js";
import { VERSION } from "../../../version.js";
import type { HubName } from "./name.js";
import { refusal } from "./refusal.js";
import type { HubSettings } from "./settings.js";

/** The hub did not answer, or not now: what is in the cache may serve, and a later try may do better. */
export class Unreachable extends VitreousError {
  /** Worth another try at once: the connection broke, or the server is busy. */
  readonly passing: boolean;
  /** When the server wants to be asked again, ms. */
  readonly after: number;
  constructor(message: string, options: { cause?: unknown; passing?: boolean; after?: number } = {}) {
    super(message, { cause: options.cause });
    this.passing = options.passing ?? false;
    this.after = options.after ?? 0;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The body. Read it, or discard it. It ends early without an error where a server closes an unmeasured one. */
  readonly chunks: AsyncIterable<Uint8Array>;
  discard(): Promise<void>;
}

export interface HubClient {
  readonly name: HubName;
  readonly settings: HubSettings;
  readonly signal: AbortSignal | undefined;
  /**
   * A GET that was answered: 200, 206, or 416.
   *
   * @throws Unreachable, or VitreousError with why it was refused
   */
  open(url: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** For the library. Like `open`, tried again where that may help. */
  readonly fetch: typeof fetch;
}

const BUSY = new Set([408, 425, 429]);
const LONGEST_WAIT_MS = 30_000;
const FIRST_WAIT_MS = 500;

/** Waits longer each time, and as long as the server asks, within reason. */
export async function waitBeforeTry(
  tries: number,
  after: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const ms = Math.min(Math.max(FIRST_WAIT_MS * 2 ** (tries - 1), after), LONGEST_WAIT_MS);
  await sleep(ms, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
}

export function hubClient(name: HubName, settings: HubSettings, signal: AbortSignal | undefined): HubClient {
  const { endpoint, token, silence } = settings;
  const own = new URL(endpoint).origin;

  async function open(url: string, given: Readonly<Record<string, string>> = {}): Promise<Answer> {
    // On the way to another origin, fetch itself drops this header from redirected requests.
    const authorised = token !== undefined && new URL(url).origin === own;
    const headers = {
      "user-agent": `vitreous/${VERSION}`,
      "accept-encoding": "identity",
      ...given,
      ...(authorised && { authorization: `Bearer ${token.value}` }),
    };
    const watch = watchdog(silence, signal);
    try {
      const response = await fetch(url, { headers, signal: watch.signal });
      watch.heard();
      const { status } = response;
      if (status >= 500 || BUSY.has(status)) {
        const after = 1000 * Number(response.headers.get("retry-after") ?? 0) || 0;
        throw new Unreachable(`${new URL(response.url).host} answers ${status}`, { passing: true, after });
      }
      if (!response.ok && status !== 416) {
        const said = (await response.text().catch(() => "")).slice(0, 2000);
        throw refusal({ status, headers: response.headers, url: response.url, said }, name, settings);
      }
      const discard = async (): Promise<void> => {
        watch.end();
        await response.body?.cancel();
      };
      return { status, headers: response.headers, chunks: watched(response, watch, failure), discard };
    } catch (error) {
      watch.end();
      throw failure(error);
    }
  }

  function failure(error: unknown): unknown {
    signal?.throwIfAborted();
    if (error instanceof VitreousError) return error;
    const why = networkReason(error);
    const passing = !/^(?:UND_ERR_CONNECT|ENOTFOUND|EAI_|ECONNREFUSED|ENET|EHOST|silent)/.test(why);
    const { host } = new URL(endpoint);
    const told =
      why === "silent"
        ? `${host} has said nothing for ${silence / 1000} s`
        : passing
          ? `the connection to ${host} broke (${why})`
          : `${host} cannot be reached (${why})`;
    return new Unreachable(told, { cause: error, passing });
  }

  async function whole(url: string, headers: Readonly<Record<string, string>>): Promise<Response> {
    for (let tries = 1; ; tries++) {
      try {
        const answer = await open(url, headers);
        const parts: Uint8Array[] = [];
        for await (const chunk of answer.chunks) parts.push(chunk);
        return new Response(Buffer.concat(parts), { status: answer.status, headers: answer.headers });
      } catch (error) {
        if (!(error instanceof Unreachable && error.passing) || tries === 3) throw error;
        await waitBeforeTry(tries, error.after, signal);
      }
    }
  }

  return {
    name,
    settings,
    signal,
    open,
    fetch: (input, init) =>
      whole(
        input instanceof Request ? input.url : String(input),
        Object.fromEntries(new Headers(init?.headers)),
      ),
  };
}

interface Watchdog {
  readonly signal: AbortSignal;
  heard(): void;
  end(): void;
}

/** Aborts when nothing is heard for so long, or when the caller's signal does. */
function watchdog(ms: number, signal: AbortSignal | undefined): Watchdog {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error("silent")), ms);
  return {
    signal: signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]),
    heard: () => timer.refresh(),
    end: () => clearTimeout(timer),
  };
}

async function* watched(
  response: Response,
  watch: Watchdog,
  failure: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  try {
    if (response.body === null) return;
    for await (const chunk of response.body) {
      watch.heard();
      yield chunk;
    }
  } catch (error) {
    throw failure(error);
  } finally {
    watch.end();
  }
}

/** The code of the innermost cause that has one; "silent" is the watchdog's. */
function networkReason(error: unknown): string {
  let reason = "no answer";
  for (let e = error; e instanceof Error; e = e.cause) {
    if (e.message !== "") reason = e.message;
    if ("code" in e && typeof e.code === "string") return e.code;
  }
  return reason;
}

/**
 * @file What the command says, and where: results on standard output, everything else on standard error; progress
 * only where a person watches. One place decides, so that scripts never find a bar in their data.
 */
import { formatDuration } from "./format.js";

export interface Terminal {
  /** A line of results. */
  result(line: string): void;
  /** A line for the person: a note or warning. Silent under --quiet. */
  note(line: string): void;
  /** What could not be done: always shown, one line each. */
  error(line: string): void;
  /** A progress bar; call done() when the work ends, whichever way. */
  progress(title: string, total: number | undefined): Progress;
}

export interface Progress {
  update(done: number, detail?: string): void;
  done(): void;
}

interface Streams {
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
}

const silent: Progress = { update: () => undefined, done: () => undefined };
const REDRAW_MS = 80;

export function terminal({ quiet }: { readonly quiet: boolean }, streams: Streams): Terminal {
  let open: string | undefined;
  const clear = (): void => {
    if (open !== undefined) streams.err.write("\r\x1b[2K");
  };
  const line = (text: string): void => {
    clear();
    streams.err.write(`${text}\n`);
    if (open !== undefined) streams.err.write(open);
  };
  return {
    result(text) {
      clear();
      streams.out.write(`${text}\n`);
      if (open !== undefined) streams.err.write(open);
    },
    note: (text) => {
      if (!quiet) line(text);
    },
    error: line,
    progress(title, total) {
      if (quiet || streams.err.isTTY !== true) return silent;
      const started = Date.now();
      let drawn = 0;
      return {
        update(done, detail = "") {
          const now = Date.now();
          if (now - drawn < REDRAW_MS && done !== total) return;
          drawn = now;
          open = barLine(title, done, total, now - started, detail).slice(0, (streams.err.columns ?? 80) - 1);
          streams.err.write(`\r\x1b[2K${open}`);
        },
        done() {
          clear();
          open = undefined;
        },
      };
    },
  };
}

const WIDTH = 24;

/** "explaining ███████░░░░░ 12/40 3.1/s 9 s left". */
export function barLine(
  title: string,
  done: number,
  total: number | undefined,
  ms: number,
  detail: string,
): string {
  const rate = ms > 0 ? (done * 1000) / ms : 0;
  const speed = done > 0 ? `${rate.toFixed(rate < 10 ? 1 : 0)}/s` : "";
  if (total === undefined || total === 0)
    return [title, String(done), speed, detail].filter(Boolean).join("  ");
  const filled = Math.round((Math.min(done, total) / total) * WIDTH);
  const bar = "█".repeat(filled) + "░".repeat(WIDTH - filled);
  const left = done > 0 && done < total ? `${formatDuration((total - done) / rate)} left` : "";
  return [title, bar, `${done}/${total}`, speed, left, detail].filter(Boolean).join("  ");
}

/**
 * @file What the command says, and where: results on standard output, everything else on standard error; progress
 * only where a person watches. One place decides, so that scripts never find a bar in their data.
 */
import { formatDuration, printable } from "./format.js";

export interface Terminal {
  /** A line of results. */
  result(line: string): void;
  /** A line for the person: a note or warning. Silent under --quiet. */
  note(line: string): void;
  /** What could not be done: always shown, one line each. */
  error(line: string): void;
  /** A progress bar; call done() when the work ends, whichever way. `amount` writes what is counted, "3" by default. */
  progress(title: string, total: number | undefined, amount?: Amount): Progress;
}

export interface Progress {
  update(done: number, detail?: string | Pace): void;
  done(): void;
}

/** Where the speed is not what was done since the beginning, whoever counts says what it is. */
export interface Pace {
  /** "3.1 images/s" */
  readonly speed: string;
  readonly secondsLeft: number | null;
  readonly detail: string;
}

export type Amount = (count: number) => string;

interface Streams {
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
}

/** "auto": a bar where a person watches, nothing elsewhere. "lines": where nobody watches, a line now and then. */
export type ProgressStyle = "auto" | "lines";

const silent: Progress = { update: () => undefined, done: () => undefined };
const REDRAW_MS = 80;
const LINE_MS = 8000;

export interface TerminalOptions {
  readonly quiet: boolean;
  readonly progress?: ProgressStyle;
}

export function terminal({ quiet, progress: style = "auto" }: TerminalOptions, streams: Streams): Terminal {
  let open: string | undefined;
  const clear = (): void => {
    if (open !== undefined) streams.err.write("\r\x1b[2K");
  };
  const line = (text: string): void => {
    clear();
    streams.err.write(`${printableLines(text)}\n`);
    if (open !== undefined) streams.err.write(open);
  };
  return {
    result(text) {
      clear();
      streams.out.write(`${printableLines(text)}\n`);
      if (open !== undefined) streams.err.write(open);
    },
    note: (text) => {
      if (!quiet) line(text);
    },
    error: line,
    progress(title, total, amount) {
      if (quiet) return silent;
      if (streams.err.isTTY !== true) return style === "lines" ? lines(title, total, line, amount) : silent;
      const started = Date.now();
      let drawn = 0;
      return {
        update(done, detail = "") {
          const now = Date.now();
          if (now - drawn < REDRAW_MS && done !== total) return;
          drawn = now;
          const bar = barLine(title, done, total, now - started, detail, amount);
          open = printable(bar).slice(0, (streams.err.columns ?? 80) - 1);
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

const printableLines = (text: string): string => text.split("\n").map(printable).join("\n");

/** Progress for a log: "scoring 3/12, 20 s left", every few seconds. */
function lines(
  title: string,
  total: number | undefined,
  say: (line: string) => void,
  amount: Amount = String,
): Progress {
  const started = Date.now();
  let said = started;
  let last = 0;
  return {
    update(done, detail) {
      const now = Date.now();
      if (done === last || done === total || now - said < LINE_MS) return;
      [said, last] = [now, done];
      const { left } = paceOf(done, total, now - started, detail, amount);
      say(
        [`${title} ${total ? `${amount(done)}/${amount(total)}` : amount(done)}`, left]
          .filter(Boolean)
          .join(", "),
      );
    },
    done: () => undefined,
  };
}

/** What stands behind the count: the speed, the time that is left, and whatever else there is to say. */
function paceOf(
  done: number,
  total: number | undefined,
  ms: number,
  detail: string | Pace = "",
  amount?: Amount,
): { readonly speed: string; readonly left: string; readonly detail: string } {
  if (typeof detail === "object") {
    const { secondsLeft } = detail;
    return { ...detail, left: secondsLeft === null ? "" : `${formatDuration(secondsLeft)} left` };
  }
  const rate = ms > 0 ? (done * 1000) / ms : 0;
  const speed = done > 0 ? `${amount?.(rate) ?? rate.toFixed(rate < 10 ? 1 : 0)}/s` : "";
  const left =
    done > 0 && total && done < total ? `${formatDuration(((total - done) * ms) / done / 1000)} left` : "";
  return { speed, left, detail };
}

const WIDTH = 24;

/** "explaining ███████░░░░░ 12/40 3.1/s 9 s left". */
export function barLine(
  title: string,
  done: number,
  total: number | undefined,
  ms: number,
  detail: string | Pace,
  amount?: Amount,
): string {
  const pace = paceOf(done, total, ms, detail, amount);
  const count = amount ?? String;
  if (total === undefined || total === 0)
    return [title, count(done), pace.speed, pace.detail].filter(Boolean).join("  ");
  const filled = Math.round((Math.min(done, total) / total) * WIDTH);
  const bar = "█".repeat(filled) + "░".repeat(WIDTH - filled);
  return [title, bar, `${count(done)}/${count(total)}`, pace.speed, pace.left, pace.detail]
    .filter(Boolean)
    .join("  ");
}

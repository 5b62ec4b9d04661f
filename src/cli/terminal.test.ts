import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { barLine, terminal } from "./terminal.js";

function streams(isTTY: boolean) {
  const said = { out: "", err: "" };
  return {
    said,
    out: { write: (text: string) => (said.out += text) },
    err: { write: (text: string) => (said.err += text), isTTY, columns: 60 },
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("what the command says", () => {
  it("puts results on standard output and everything else on standard error", () => {
    const s = streams(false);
    const say = terminal({ quiet: false }, s);
    say.result("a result");
    say.note("a note");
    say.error("a complaint");
    expect(s.said).toEqual({ out: "a result\n", err: "a note\na complaint\n" });
  });

  it("keeps quiet about everything but results and errors when asked to", () => {
    const s = streams(true);
    const say = terminal({ quiet: true }, s);
    say.note("a note");
    say.progress("working", 3).update(1);
    say.error("a complaint");
    say.result("a result");
    expect(s.said).toEqual({ out: "a result\n", err: "a complaint\n" });
  });

  it("sends no control characters that stand in names on to the terminal", () => {
    const s = streams(true);
    const say = terminal({ quiet: false }, s);
    say.result("two\nlines of \u001b[31mred\u202e.png");
    say.error("no \u0007bell");
    expect(s.said).toEqual({
      out: "two\nlines of \\u001b[31mred\\u202e.png\n",
      err: "no \\u0007bell\n",
    });
  });

  it("draws no bar where nobody watches", () => {
    const s = streams(false);
    const progress = terminal({ quiet: false }, s).progress("working", 3);
    vi.advanceTimersByTime(60_000);
    progress.update(1);
    progress.done();
    expect(s.said.err).toBe("");
  });

  it("draws a bar on a terminal, makes room for lines, and removes it at the end", () => {
    const s = streams(true);
    const say = terminal({ quiet: false }, s);
    const progress = say.progress("working", 4);
    vi.advanceTimersByTime(1000);
    progress.update(2, "7 forwards");
    expect(s.said.err).toContain("working  ████████████░░░░░░░░░░░░  2/4  2.0/s  1 s left");
    const bar = s.said.err;
    say.note("a note");
    expect(s.said.err).toBe(`${bar}\r\x1b[2Ka note\n${bar.slice("\r\x1b[2K".length)}`);
    progress.done();
    expect(s.said.err.endsWith("\r\x1b[2K")).toBe(true);
    say.note("after");
    expect(s.said.err.endsWith("\r\x1b[2Kafter\n")).toBe(true);
    // Never wider than the terminal.
    for (const line of s.said.err.split(/\r|\n/)) expect(line.replace("\x1b[2K", "").length).toBeLessThan(60);
  });

  it("says a line now and then in a log, where asked to", () => {
    const s = streams(false);
    const progress = terminal({ quiet: false, progress: "lines" }, s).progress("scoring", 12);
    for (let done = 0; done <= 12; done++) {
      progress.update(done);
      vi.advanceTimersByTime(4000);
    }
    expect(s.said.err.split("\n")[0]).toBe("scoring 2/12, 40 s left");
    expect(s.said.err.trim().split("\n")).toHaveLength(5);
  });
});

describe("the progress bar", () => {
  it("tells rate and time left once something is done", () => {
    expect(barLine("x", 0, 10, 0, "")).toBe("x  ░░░░░░░░░░░░░░░░░░░░░░░░  0/10");
    expect(barLine("x", 5, 10, 100, "")).toBe("x  ████████████░░░░░░░░░░░░  5/10  50/s  0 s left");
    expect(barLine("x", 10, 10, 1_000_000, "done")).toBe("x  ████████████████████████  10/10  0.0/s  done");
  });

  it("counts where there is no total", () => {
    expect(barLine("x", 3, undefined, 1000, "")).toBe("x  3  3.0/s");
  });

  it("writes what it counts as it is told", () => {
    const bar = barLine("x", 5e6, 1e7, 100, "a file", (bytes) => `${bytes / 1e6} MB`);
    expect(bar).toBe("x  ████████████░░░░░░░░░░░░  5 MB/10 MB  50 MB/s  0 s left  a file");
  });

  it("says the speed that whoever counts knows, where that is not what was done since the beginning", () => {
    const pace = { speed: "0.50 images/s", secondsLeft: 125, detail: "pbc, vit" };
    expect(barLine("scoring", 90, 100, 10, pace)).toBe(
      "scoring  ██████████████████████░░  90/100  0.50 images/s  2 min 05 s left  pbc, vit",
    );
    expect(barLine("scoring", 0, 100, 10, { speed: "", secondsLeft: null, detail: "" })).toBe(
      "scoring  ░░░░░░░░░░░░░░░░░░░░░░░░  0/100",
    );
  });
});

import { describe, expect, it } from "vitest";
import { tally } from "./progress.js";

describe("progress", () => {
  it("counts each piece once, whoever tells of it", () => {
    let now = 0;
    const count = tally(() => now);
    count.expect(0, 100);
    count.scored("a", 8, false);
    count.scored("a", 8, true);
    count.scored("b", 8, true);
    count.images("chunk", 4);
    count.images("chunk", 4);
    count.lost("chunk", 4);
    count.lost("chunk", 4);
    count.forwards(10);
    now = 2000;
    expect(count.progress(null)).toEqual({
      cells: { done: 16, total: 96, reused: 8 },
      forwards: 10,
      imagesPerSecond: 2,
      // 80 of 96 cells are left, and 8 were computed in two seconds.
      secondsLeft: 20,
      seconds: 2,
      current: null,
    });
  });

  it("tells nothing of the time that is left before anything was computed", () => {
    const count = tally(() => 0);
    count.expect(0, 10);
    count.scored("a", 5, true);
    const { secondsLeft, imagesPerSecond } = count.progress(null);
    expect([secondsLeft, imagesPerSecond]).toEqual([null, null]);
  });
});

import { describe, expect, it } from "vitest";
import { continuousBias, learnedBias, spreadBias } from "./window-bias.js";

describe("a learned bias", () => {
  it("is looked up by how far query and key are apart", () => {
    const bias = learnedBias("table", [1, 3], 2);
    expect(bias.parts).toEqual([{ name: "table", dims: [5, 2] }]);
    const table = bias.table([Float32Array.from([-2, 20, -1, 10, 0, 0, 1, -10, 2, -20])]);
    const out = new Float32Array(18);
    spreadBias(table, [1, 3], 2, out);
    // Query − key, for the first head; ten times its opposite for the second.
    expect([...out.slice(0, 9)].map((v) => v + 0)).toEqual([0, -1, -2, 1, 0, -1, 2, 1, 0]);
    expect([...out.slice(9)].map((v) => v + 0)).toEqual([0, 10, 20, -10, 0, 10, -20, -10, 0]);
  });
});

describe("a continuous bias", () => {
  /** An MLP that gives the offset across, as far as it is positive. */
  const across = (): readonly Float32Array[] => {
    const first = new Float32Array(1024);
    first[1] = 1;
    const last = new Float32Array(512);
    last[0] = 1;
    return [first, new Float32Array(512), last];
  };
  const logit = (y: number): number => -Math.log(16 / y - 1);

  it("sees offsets log-spaced from −1 to 1 beyond the trained window", () => {
    const { table } = continuousBias("cpb", [1, 3], [1, 3], 1);
    const seen = [...table(across())].map(logit);
    [0, 0, 0, Math.log2(5) / 3, Math.log2(9) / 3].forEach((value, i) => {
      expect(seen[i]).toBeCloseTo(value, 5);
    });
  });

  it("goes on beyond the window that the model was trained with", () => {
    const { table } = continuousBias("cpb", [1, 3], [1, 2], 1);
    expect(logit(table(across())[4] ?? 0)).toBeCloseTo(Math.log2(17) / 3, 5);
  });

  it("has no offset in a window of one token", () => {
    expect([...continuousBias("cpb", [1, 1], [1, 1], 1).table(across())]).toEqual([8]);
  });
});

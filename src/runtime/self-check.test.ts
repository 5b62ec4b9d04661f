import { describe, expect, it } from "vitest";
import { VitreousError } from "../onnx/errors.js";
import type { Fetches, Runtime } from "./runtime.js";
import { disagreement, loadChecked } from "./self-check.js";

const fetches = (...values: number[]): Fetches => ({
  logits: { dtype: "float32", dims: [values.length], data: Float32Array.from(values) },
});

/** A device that answers always the same, and counts its sessions that are not released. */
function device(name: string, answer: Fetches | Error): Runtime & { readonly resident: () => number } {
  let resident = 0;
  return {
    device: name,
    resident: () => resident,
    async load() {
      resident++;
      return {
        inputNames: [],
        outputNames: ["logits"],
        async run() {
          if (answer instanceof Error) throw answer;
          return answer;
        },
        async release() {
          resident--;
        },
      };
    },
    async close() {},
  };
}

describe("the disagreement of two results", () => {
  it("is relative to the reference's largest value", () => {
    expect(disagreement(fetches(1, -4), fetches(1, -3))).toBe(0.25);
    expect(disagreement(fetches(0, 0), fetches(0, 0))).toBe(0);
  });

  it("is infinite for results that are no numbers or not there", () => {
    expect(disagreement(fetches(1, 2), fetches(Number.NaN, 2))).toBe(Infinity);
    expect(disagreement(fetches(1, 2), fetches(Number.NaN, 3))).toBe(Infinity);
    expect(disagreement(fetches(1, 2), fetches(1))).toBe(Infinity);
    expect(disagreement(fetches(1, 2), {})).toBe(Infinity);
  });
});

describe("a device that is to be checked", () => {
  const reference = () => device("wasm", fetches(1, 2));

  it("is used when it agrees, and the reference's session is released", async () => {
    const trusted = reference();
    const tested = device("webgpu", fetches(1, 2.0001));
    const session = await loadChecked(tested, trusted, [], {});
    expect(await session.run({})).toEqual(fetches(1, 2.0001));
    expect([tested.resident(), trusted.resident()]).toEqual([1, 0]);
  });

  it("is refused when it is wrong, and nothing stays loaded", async () => {
    const trusted = reference();
    const tested = device("webgpu", fetches(1, 2.1));
    const loading = loadChecked(tested, trusted, [], {});
    await expect(loading).rejects.toThrow(VitreousError);
    await expect(loading).rejects.toThrow(
      /'webgpu' computes this model wrong.*0\.050.*Use the device 'wasm'/,
    );
    expect([tested.resident(), trusted.resident()]).toEqual([0, 0]);
  });

  it.each([
    ["is wrong", fetches(1, 2.1), /computes this model wrong.*Using 'wasm' instead/],
    ["cannot run the model", new VitreousError("No kernel."), /No kernel\. Using 'wasm' instead/],
  ])("gives way to the reference, and says so, when it %s", async (_, answer, said) => {
    const trusted = reference();
    const tested = device("webgpu", answer);
    const reasons: string[] = [];
    const session = await loadChecked(
      tested,
      trusted,
      [],
      {},
      { onFallback: (reason) => reasons.push(reason) },
    );
    expect(await session.run({})).toEqual(fetches(1, 2));
    expect(reasons).toEqual([expect.stringMatching(said)]);
    expect([tested.resident(), trusted.resident()]).toEqual([0, 1]);
  });

  it("passes on defects, having released everything", async () => {
    const trusted = reference();
    const tested = device("webgpu", new TypeError("a defect"));
    await expect(loadChecked(tested, trusted, [], {}, { onFallback: () => {} })).rejects.toThrow("a defect");
    expect([tested.resident(), trusted.resident()]).toEqual([0, 0]);
  });
});

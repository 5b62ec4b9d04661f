import { describe, expect, it } from "vitest";
import { methodFileNames } from "./file-names.js";

describe("methods in file names", () => {
  it("are readable, parameters and all", () => {
    expect(methodFileNames(["grad-cam", "gradient-rollout:discard=0.5,fusion=max"])).toEqual([
      "grad-cam",
      "gradient-rollout_discard=0.5_fusion=max",
    ]);
  });

  it("stay apart where what is unsafe in a file name is all that differs", () => {
    const [a, b] = methodFileNames(["grad-cam:layer=a/b", "grad-cam:layer=a:b"]);
    expect(a).toBe("grad-cam_layer=a_b");
    expect(b).not.toBe(a);
  });

  it("are cut where they would be longer than file systems take, and still differ", () => {
    const layers = Array.from({ length: 24 }, (_, i) => `layers.2.blocks.${i}.norm1`).join("+");
    const [a = "", b = ""] = methodFileNames([`grad-cam:layer=${layers}`, `grad-cam:layer=${layers}+head`]);
    expect(a.length).toBeLessThanOrEqual(120);
    expect(b.length).toBeLessThanOrEqual(120);
    expect(a).not.toBe(b);
  });
});

import { describe, expect, it } from "vitest";
import { spreadLists } from "./lists.js";

const lists = { "--method": ["grad-cam", "rollout"], "--metric": ["insertion"] };
const spread = (line: string) => spreadLists(line.split(" "), lists).join(" ");

describe("a list behind one option", () => {
  it("is the option repeated", () => {
    expect(spread("explain m.onnx --method grad-cam rollout --out x")).toBe(
      "explain m.onnx --method grad-cam --method rollout --out x",
    );
  });

  it("keeps parameters with their names", () => {
    expect(spread("--method grad-cam:layer=a+b rollout:discard=0.5,fusion=max a.png")).toBe(
      "--method grad-cam:layer=a+b --method rollout:discard=0.5,fusion=max a.png",
    );
  });

  it("ends at the first word that is no known name, so that files are never taken for methods", () => {
    expect(spread("explain --method grad-cam m.onnx rollout.png ./rollout insertion")).toBe(
      "explain --method grad-cam m.onnx rollout.png ./rollout insertion",
    );
  });

  it("takes the first word whatever it is, for the registry to refuse", () => {
    expect(spread("--method gradcam m.onnx")).toBe("--method gradcam m.onnx");
  });

  it("works for several options, with an equals sign, and for a quoted list", () => {
    expect(spread("--method=grad-cam rollout --metric insertion insertion:step=9")).toBe(
      "--method grad-cam --method rollout --metric insertion --metric insertion:step=9",
    );
    expect(spreadLists(["--method", "grad-cam rollout", "m"], lists)).toEqual([
      "--method",
      "grad-cam",
      "--method",
      "rollout",
      "m",
    ]);
  });

  it("leaves what is behind -- and a missing value to the parser", () => {
    expect(spread("--method grad-cam -- rollout --method")).toBe("--method grad-cam -- rollout --method");
    expect(spread("explain --method")).toBe("explain --method");
    expect(spread("explain --method --out x")).toBe("explain --method --out x");
  });
});

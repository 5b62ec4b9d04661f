import { describe, expect, it } from "vitest";
import { pretrainOptions } from "./options.js";

describe("the options of a pretraining", () => {
  it("are the published ones, with a smaller head", () => {
    expect(pretrainOptions()).toMatchObject({
      epochs: 100,
      batch: 64,
      learningRate: 5e-4,
      leastLearningRate: 1e-6,
      warmup: 10,
      weightDecay: 0.04,
      finalWeightDecay: 0.4,
      clip: 3,
      freezeLast: 1,
      momentum: 0.996,
      teacherTemperature: 0.04,
      studentTemperature: 0.1,
      centreMomentum: 0.9,
      dropPath: 0.1,
      prototypes: 4096,
      neighbours: 20,
      neighbourTemperature: 0.07,
    });
  });

  it("have warm-ups that fit into short runs", () => {
    expect(pretrainOptions({ epochs: "4" }).warmup).toBeCloseTo(0.4, 12);
    expect(pretrainOptions({ epochs: 4, warmup: 9, temperatureWarmup: 30, freezeLast: 6 })).toMatchObject({
      warmup: 4,
      temperatureWarmup: 4,
      freezeLast: 4,
    });
  });

  it("leave the small crops' size to the model unless it is given", () => {
    expect(pretrainOptions().crops.localSize).toBeUndefined();
    expect(pretrainOptions({ crops: { locals: 2 } }).crops).toMatchObject({ locals: 2, greyscale: 0.2 });
    expect(pretrainOptions({ crops: { localSize: [64, 80] } }).crops.localSize).toEqual([64, 80]);
  });

  it("are refused by name", () => {
    expect(() => pretrainOptions({ momentum: 2 })).toThrow(
      /pretrain: momentum: must be a number, from 0 to 1/,
    );
    expect(() => pretrainOptions({ speed: 2 })).toThrow(/no parameter speed/);
    expect(() => pretrainOptions({ crops: { globalScale: [2, 3] } })).toThrow(/globalScale/);
  });
});

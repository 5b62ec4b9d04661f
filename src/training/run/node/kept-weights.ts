/** @file The weights of the best epoch: taken from a trainer, rounded as they will be saved, and given back to it. */
import { float16ToFloat32, float32ToFloat16 } from "../../../onnx/float16.js";
import type { Trainer } from "../../trainer.js";
import type { FinetuneOptions } from "../options.js";
import type { Arrays } from "./state-folder.js";

/** The arrays that predictions are made with, under the names of the trainer's state. */
export async function predicting(trainer: Trainer, { ema }: FinetuneOptions): Promise<Arrays> {
  const { arrays } = await trainer.snapshot();
  const role = ema > 0 ? "averages/" : "parameters/";
  return new Map([...arrays].filter(([name]) => name.startsWith(role)));
}

/** As they are once saved in float16, so that what is scored is what is saved. */
export const asHalves = (arrays: Arrays): Arrays =>
  new Map(
    [...arrays].map(([name, values]) => [
      name,
      values.map((value) => float16ToFloat32(float32ToFloat16(value))),
    ]),
  );

export async function withArrays(trainer: Trainer, arrays: Arrays): Promise<void> {
  const state = await trainer.snapshot();
  await trainer.restore({ ...state, arrays: new Map([...state.arrays, ...arrays]) });
}

/** @file What a model under training gives for pictures: its outputs, a run of pictures after the other. */
import { VitreousError } from "../onnx/errors.js";
import { elementCount } from "../onnx/tensor.js";
import { buffersOf, joined } from "./arrays.js";
import type { Form } from "./forms.js";
import type { Link } from "./link.js";
import type { Arrays } from "./parameters.js";
import type { PredictReply, TrainerJob } from "./worker/protocol.js";

export interface Pictures {
  /** [count, channels, height, width], prepared as the model wants. */
  readonly pixels: Float32Array;
  readonly count: number;
}

export interface PredictionRuns {
  readonly form: Form;
  readonly link: Link;
  /** With the running averages of the weights. */
  readonly averaged: boolean;
  /** The parameters that constants are computed from, as those weights have them. */
  readonly indirect: Arrays;
  /** Of the model's outputs, the first by default. */
  readonly output: string | undefined;
}

/** [count, …] of the output. @throws VitreousError for a wrong number of pixels, and for what ONNX Runtime refuses */
export async function runPictures(
  { pixels, count }: Pictures,
  { form, link, averaged, indirect, output }: PredictionRuns,
): Promise<Float32Array> {
  const { key, run, image, model } = form;
  const [input] = model.graph.inputs;
  const [first] = model.graph.outputs;
  const size = elementCount(image);
  if (pixels.length !== count * size)
    throw new VitreousError(`${pixels.length} numbers are not ${count} pictures of [${image.join(", ")}].`);
  await form.loadInference(link);
  const parts: Float32Array[] = [];
  for (let from = 0; from < count; from += run) {
    const images = Math.min(run, count - from);
    const data = pixels.slice(from * size, (from + images) * size);
    const feeds = [{ name: input?.name ?? "", dims: [images, ...image], data }, ...form.constants(indirect)];
    const job: TrainerJob = { kind: "predict", key, feeds, averaged, output: output ?? first?.name ?? "" };
    const reply = (await link.request(job, buffersOf(feeds.map((feed) => feed.data)))) as PredictReply;
    parts.push(reply.values);
  }
  return joined(parts);
}

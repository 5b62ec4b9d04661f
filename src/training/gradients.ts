/** @file Loss and gradients of a step's batches: run after run, each in the form of its image size, and summed. */
import { VitreousError } from "../onnx/errors.js";
import { addTo, batchFeeds, buffersOf, copyOf, joined } from "./arrays.js";
import { dropPathMasks } from "./drop-path-masks.js";
import { dropoutFeeds } from "./dropout-masks.js";
import type { Form, Forms } from "./forms.js";
import type { Link } from "./link.js";
import type { Arrays } from "./parameters.js";
import type { TrainerOptions } from "./plan.js";
import { inRuns } from "./runs.js";
import type { TrainingBatch } from "./types.js";
import type { NamedArrays, RunReply } from "./worker/protocol.js";

/** What a step is run with, beside its batches. */
export interface StepRuns {
  readonly options: Pick<TrainerOptions, "batch" | "dropout" | "seed">;
  readonly forms: Forms;
  readonly link: Link;
  /** Number of the step, from 0. */
  readonly step: number;
  /** The parameters that constants are computed from, as they are now. */
  readonly indirect: Arrays;
}

export interface StepSums {
  /** Σ weight·loss */
  readonly loss: number;
  /** [images, classes] of all batches, padding included; empty where the worker gives none. */
  readonly logits: Float32Array;
  /** Gradients of the parameters that constants are computed from; those of the others stay in the worker. */
  readonly gathered: NamedArrays;
}

/** @throws VitreousError for a batch of another number of images than the options', and for what ONNX Runtime refuses */
export async function runBatches(batches: readonly TrainingBatch[], runs: StepRuns): Promise<StepSums> {
  const { options, forms, link, indirect } = runs;
  const { batch: images, dropout = 0, seed = 0 } = options;
  const other = batches.find(({ sampleWeights }) => sampleWeights.length !== images);
  if (other !== undefined) {
    throw new VitreousError(
      `The batch holds ${other.sampleWeights.length} images, not the ${images} that the trainer was opened for; fill it up with images of the sample weight 0.`,
    );
  }
  const sums = new Map<Form, Map<string, Float32Array>>();
  const logits: Float32Array[] = [];
  let loss = 0;
  const parts = batches.flatMap((batch) => {
    const form = forms.of(batch.image);
    return inRuns(batch, form.run).map((taken) => ({ form, taken }));
  });
  for (const [i, { form, taken }] of parts.entries()) {
    const { key, run } = form;
    const graph = form.step();
    await form.loadStep(link);
    const at = { seed, step: runs.step, part: i };
    const feeds = [
      ...batchFeeds(graph, taken, dropPathMasks(graph.keep, run, at)),
      ...dropoutFeeds(graph, dropout, at),
      ...form.constants(indirect),
    ];
    const sampleWeights = copyOf(graph.inputs.sampleWeights, [run], taken.sampleWeights);
    const part = parts.length === 1 ? "only" : i === 0 ? "first" : "next";
    const transfer = buffersOf([...feeds, sampleWeights].map(({ data }) => data));
    const reply = (await link.request(
      { kind: "run", key, feeds, sampleWeights, part },
      transfer,
    )) as RunReply;
    loss += reply.loss;
    logits.push(reply.logits.subarray(0, (reply.logits.length / run) * taken.given));
    const own = sums.get(form) ?? new Map<string, Float32Array>();
    addTo(own, reply.computed);
    sums.set(form, own);
  }
  const gathered = new Map<string, Float32Array>();
  for (const [{ parameters }, own] of sums)
    if (own.size > 0) addTo(gathered, [...parameters.gather(own, indirect)]);
  return { loss, logits: joined(logits), gathered: [...gathered] };
}

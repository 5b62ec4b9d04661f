/**
 * @file Steps of DINO: the teacher's word on the large crops becomes the target of the student's other crops, which the
 * trainer learns as it learns any soft targets; the teacher is the trainer's average of the weights.
 */
import { FEATURES } from "../../models/layers.js";
import { VitreousError } from "../../onnx/errors.js";
import type { TrainerOptions } from "../plan.js";
import type { Trainer } from "../trainer.js";
import type { TrainerState, TrainingBatch } from "../types.js";
import { isOfHead } from "./head.js";
import type { DinoModel } from "./model.js";
import { recipeOf } from "./recipe.js";
import { movedCentre, sharpened, sumOf } from "./targets.js";
import type { DinoBatch, DinoNetwork, DinoStepResult, DinoTrainer, DinoTrainerOptions } from "./types.js";

/** The centre's place in a state. */
const CENTRE = "centre/head";

const weightsOfNetwork = (network: DinoNetwork) => (network === "teacher" ? "averaged" : "current");

/**
 * @param open a trainer of the machine's
 * @throws VitreousError for options that make no training, and what `open` throws
 */
export async function openDinoTrainer(
  open: (options: TrainerOptions) => Promise<Trainer>,
  model: DinoModel,
  options: DinoTrainerOptions,
): Promise<DinoTrainer> {
  const { head, globalSize, localSize } = model;
  const { trainer: settings, temperature, momentum, weightDecay, centreMomentum } = recipeOf(options);
  const { batch } = settings;
  const trainer = await open({
    model: model.model,
    parameters: model.parameters,
    sizes: model.sizes,
    logits: false,
    ...settings,
  });
  let centre: Float32Array = new Float32Array(head.out);
  let done = 0;
  let last: Promise<unknown> = Promise.resolve();

  /** The trainer queues its own work; a step here is several pieces of it, which nothing may come between. */
  function queued<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  }

  async function step({ globals, locals, size, indices }: DinoBatch): Promise<DinoStepResult> {
    if (locals.length > 0 && localSize === undefined)
      throw new VitreousError("The model was not made for small crops: give dinoModel their size.");
    if (!Number.isInteger(size) || size < 1 || size > batch)
      throw new VitreousError(`A step takes 1 to ${batch} images, not ${size}.`);
    const said: Float32Array[] = [];
    for (const pixels of globals) said.push(await trainer.predict(pixels, batch, "averaged"));
    const teacherTemperature = temperature(done);
    const sharpening = { centre, temperature: teacherTemperature, divided: head.temperature };
    const [first, second] = said.map((logits) => sharpened(logits, size, sharpening));
    if (first === undefined || second === undefined) throw new RangeError("two large crops were given");

    const pairs = 2 * (globals.length + locals.length - 1);
    const sampleWeights = new Float32Array(batch).fill(1 / (size * pairs), 0, size);
    const both = locals.length > 0 ? sumOf(first.targets, second.targets) : new Float32Array();
    const crops: readonly (readonly [Float32Array, Float32Array, TrainingBatch["image"]])[] = [
      [globals[0], second.targets, undefined],
      [globals[1], first.targets, undefined],
      ...locals.map((pixels) => [pixels, both, localSize] as const),
    ];
    const now = done;
    const { loss, gradientNorm, learningRate, applied } = await trainer.step(
      crops.map(([pixels, targets, image]) => ({
        pixels,
        targets,
        sampleWeights,
        indices,
        size,
        ...(image === undefined ? {} : { image }),
      })),
    );
    done += 1;
    if (applied)
      centre = movedCentre(centre, said, {
        images: size,
        divided: head.temperature,
        momentum: centreMomentum,
      });
    return {
      loss,
      gradientNorm,
      learningRate,
      weightDecay: weightDecay(now),
      momentum: momentum(now),
      teacherTemperature,
      teacherEntropy: (first.entropy + second.entropy) / 2,
      applied,
    };
  }

  async function snapshot(): Promise<TrainerState> {
    const state = await trainer.snapshot();
    return { ...state, arrays: new Map([...state.arrays, [CENTRE, centre.slice()]]) };
  }

  async function restore(state: TrainerState): Promise<void> {
    const { [CENTRE]: stored, ...rest } = Object.fromEntries(state.arrays);
    if (stored?.length !== head.out)
      throw new VitreousError(
        `The state is that of another training: "${CENTRE}" does not fit. Was it made by DINO, with a head of ${head.out} outputs?`,
      );
    await trainer.restore({ ...state, arrays: new Map(Object.entries(rest)) });
    centre = stored.slice();
    done = state.step;
  }

  return {
    globalSize,
    localSize,
    width: head.width,
    step: (crops) => queued(() => step(crops)),
    features: (pixels, count, network = "teacher") =>
      queued(() => trainer.predict(pixels, count, weightsOfNetwork(network), { output: FEATURES })),
    snapshot: () => queued(snapshot),
    restore: (state) => queued(() => restore(state)),
    tensors: (network = "teacher") =>
      queued(async () => {
        const all = await trainer.tensors(weightsOfNetwork(network));
        return new Map([...all].filter(([name]) => !isOfHead(name)));
      }),
    close: () => last.then(() => trainer.close()),
  };
}

/**
 * @file A model in one of its image sizes, as the worker runs it: its graphs are made and loaded when images of that size
 * first come, since a training of several sizes need not predict in all of them.
 */
import { VitreousError } from "../onnx/errors.js";
import { joinPieces, writeModel } from "../onnx/write.js";
import { inferenceGraph } from "./inference-graph.js";
import type { Link } from "./link.js";
import type { Arrays } from "./parameters.js";
import { graphPlanOf, type SizedModel, type TrainerOptions } from "./plan.js";
import { scaledRun } from "./runs.js";
import { stepGraph } from "./step-graph.js";
import type { StepGraph } from "./types.js";
import type { Fed } from "./worker/protocol.js";

/** [height, width] in words. */
export const sizeName = (size: readonly number[]): string => size.join("×");

export interface Form extends SizedModel {
  /** What the worker calls its graphs. */
  readonly key: string;
  /** Of an image: [channels, height, width]. */
  readonly image: readonly number[];
  /** Images a run. */
  readonly run: number;
  /** Made when it is first asked for. */
  step(): StepGraph;
  /** Loads the graph of a training step where that was not done yet. */
  loadStep(link: Link): Promise<void>;
  /** The same of the graph for predictions. */
  loadInference(link: Link): Promise<void>;
  /** The computed constants, to be given away. */
  constants(indirect: Arrays): Fed[];
}

function formOf(sized: SizedModel, run: number, options: TrainerOptions): Form {
  const { objective, dropPath, dropout } = options;
  const { model, parameters } = sized;
  const image = imageOf(sized);
  const key = sizeName(image.slice(1));
  const loaded = { step: false, inference: false };
  let made: StepGraph | undefined;
  let computed: { readonly of: Arrays; readonly values: Arrays } | undefined;
  const form: Form = {
    model,
    parameters,
    key,
    image,
    run,
    step() {
      made ??= stepGraph(model, {
        batch: run,
        trained: parameters.trained,
        objective,
        ...(dropPath === undefined ? {} : { dropPath }),
        ...(dropout === undefined ? {} : { dropout }),
      });
      return made;
    },
    async loadStep(link) {
      if (loaded.step) return;
      const bytes = joinPieces(writeModel(form.step().model));
      const graph = graphPlanOf(form.step(), parameters, options);
      await link.request({ kind: "loadStep", key, model: bytes, graph }, [bytes.buffer]);
      loaded.step = true;
    },
    async loadInference(link) {
      if (loaded.inference) return;
      const bytes = joinPieces(writeModel(inferenceGraph(model, parameters.trained)));
      await link.request({ kind: "loadInference", key, model: bytes }, [bytes.buffer]);
      loaded.inference = true;
    },
    constants(indirect) {
      if (parameters.computed.size === 0) return [];
      if (computed?.of !== indirect) computed = { of: indirect, values: parameters.compute(indirect) };
      const { values } = computed;
      return [...parameters.computed].map(([name, dims]) => ({
        name,
        dims,
        data: (values.get(name) ?? new Float32Array()).slice(),
      }));
    },
  };
  return form;
}

/** [channels, height, width] of a model's images. */
export const imageOf = ({ model }: Pick<SizedModel, "model">): readonly number[] =>
  (model.graph.inputs[0]?.shape ?? []).slice(1).map(Number);

export interface Forms {
  /** Of the model's own image size. */
  readonly own: Form;
  /** @throws VitreousError for a size that the trainer was not opened for */
  of(image: readonly [number, number] | undefined): Form;
}

/** @param run images a run of the model's own size */
export function formsOf(options: TrainerOptions, run: number): Forms {
  const own = formOf(options, run, options);
  const all = new Map([[own.key, own]]);
  for (const sized of options.sizes ?? []) {
    const image = imageOf(sized);
    const form = formOf(sized, scaledRun(options.batch, run, own.image, image), options);
    all.set(form.key, form);
  }
  return {
    own,
    of(image) {
      const form = image === undefined ? own : all.get(sizeName(image));
      if (form !== undefined) return form;
      throw new VitreousError(
        `The trainer was not opened for images of ${sizeName(image ?? [])}; it takes ${[...all.keys()].join(", ")}.`,
      );
    },
  };
}

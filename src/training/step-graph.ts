/**
 * @file The graph that one training step runs: a checkpoint's inference graph with the trained constants as inputs, the
 * losses behind the logits, and the gradient of every trained constant. ONNX Runtime runs it like any model.
 */
import { gradients } from "../autodiff/gradients.js";
import { FEATURES } from "../models/layers.js";
import { GraphBuilder } from "../onnx/builder.js";
import { dimAt, isStaticShape } from "../onnx/dim.js";
import { VitreousError } from "../onnx/errors.js";
import type { Graph, Model, ValueInfo } from "../onnx/graph.js";
import { prepare } from "../onnx/prepare.js";
import { prune } from "../onnx/prune.js";
import { simplify } from "../onnx/rewrite/simplify.js";
import { withDropPath } from "./drop-path.js";
import { withDropout } from "./dropout.js";
import { foldGelus } from "./fold-gelu.js";
import { foldNorms } from "./fold-norms.js";
import { findHeads, writeLosses } from "./objective.js";
import type { StepGraph, StepGraphOptions } from "./types.js";

const TARGETS = "training/targets";
const SAMPLE_WEIGHTS = "training/sample_weights";
const TEACHER = "training/teacher_logits";
const MASKS = "training/masks";
const DROPOUT = "training/dropout";
const LOSSES = "training/losses";

const UNTYPED = { dtype: "float32", shape: undefined } as const;

/** The model with the named constants as inputs, its first output alone, and its batch fixed. */
function withInputs({ graph, ...model }: Model, batch: number, trained: ReadonlySet<string>): Model {
  const weights = [...trained].map((name): ValueInfo => {
    const tensor = graph.constants.get(name);
    if (tensor === undefined) {
      throw new VitreousError(`The model has no constant "${name}" that could be trained.`);
    }
    return { name, dtype: tensor.dtype, shape: tensor.dims };
  });
  const fixed = graph.inputs.map((input) => ({
    ...input,
    shape: input.shape?.map((extent) => dimAt(extent, batch)),
  }));
  const constants = new Map([...graph.constants].filter(([name]) => !trained.has(name)));
  const inputs = [...fixed, ...weights];
  const outputs = graph.outputs.slice(0, 1);
  // What was inferred was for any batch.
  return { ...model, graph: { ...graph, inputs, outputs, constants, types: new Map() } };
}

/**
 * Makes the graph of a training step from the inference graph of a checkpoint (`buildModel`), whose first input are the
 * pictures and whose first output are the logits [batch, classes].
 *
 * The gradients are of Σ sampleWeights·losses. Everything that is not trained stays a constant, and nothing is
 * computed for its gradient.
 *
 * @throws VitreousError for a model that gives no logits, an unknown constant, or a wrong option
 */
export function stepGraph(model: Model, options: StepGraphOptions): StepGraph {
  const { batch, trained, objective, dropPath = 0, dropout = 0 } = options;
  if (!Number.isInteger(batch) || batch < 1) {
    throw new VitreousError(`A batch of ${batch} images cannot be trained on: give a whole number above 0.`);
  }
  if (!(dropPath >= 0 && dropPath < 1)) {
    throw new VitreousError(`The drop path rate must be at least 0 and below 1, not ${dropPath}.`);
  }
  if (!(dropout >= 0 && dropout < 1)) {
    throw new VitreousError(`The dropout rate must be at least 0 and below 1, not ${dropout}.`);
  }
  if (trained.size === 0) throw new VitreousError("Nothing is trained: every tensor of the model is frozen.");
  const fixed = prepare(withInputs(model, batch, trained));
  const thinned = dropout > 0 ? withDropout(fixed, DROPOUT, dropout) : { model: fixed, masks: [] };
  const { model: whole, keep } =
    dropPath > 0 ? withDropPath(thinned.model, MASKS, batch, dropPath) : { model: thinned.model, keep: [] };
  // What the logits do not need (all rows but the class token's, behind the last attention) has no gradient either.
  const lean = foldNorms(foldGelus(simplify(whole), trained));
  const { graph } = lean;
  const [pixels, logits] = [graph.inputs[0], graph.outputs[0]];
  const [images, classes = 0] = isStaticShape(logits?.shape) ? logits.shape : [];
  if (pixels === undefined || logits === undefined || images !== batch || logits.name === FEATURES) {
    throw new VitreousError("The model gives no logits [images, classes]: it has no classifier to train.");
  }
  const builder = GraphBuilder.extending(lean);
  const rows = { dtype: "float32", shape: [batch, classes] } as const;
  builder.input({ name: TARGETS, ...rows });
  builder.input({ name: SAMPLE_WEIGHTS, dtype: "float32", shape: [batch] });
  const taught = objective.kind === "distillation";
  if (taught) builder.input({ name: TEACHER, ...rows });
  const losses = writeLosses(
    builder,
    objective,
    {
      logits: logits.name,
      heads: findHeads(graph, logits.name),
      targets: TARGETS,
      teacherLogits: taught ? TEACHER : undefined,
    },
    classes,
  );
  builder.add("Identity", [losses], {}, { outputs: [LOSSES] });
  const forward = { ...lean, graph: builder.build([LOSSES, logits.name]) };
  const result = gradients(forward, { of: [{ value: LOSSES, seed: SAMPLE_WEIGHTS }], wrt: [...trained] });
  const outputs = [...new Set([LOSSES, logits.name, ...result.gradients.values()])];
  const { types } = result.model.graph;
  const full: Graph = {
    ...result.model.graph,
    outputs: outputs.map((name) => ({ name, ...(types.get(name) ?? UNTYPED) })),
  };
  return {
    model: { ...result.model, graph: prune(full) },
    inputs: {
      pixels: pixels.name,
      targets: TARGETS,
      sampleWeights: SAMPLE_WEIGHTS,
      ...(taught ? { teacherLogits: TEACHER } : {}),
      ...(dropPath > 0 ? { masks: MASKS } : {}),
      dropout: thinned.masks.map(({ name }) => name),
    },
    keep,
    outputs: { losses: LOSSES, logits: logits.name, gradients: result.gradients },
  };
}

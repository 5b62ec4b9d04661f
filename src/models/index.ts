/**
 * @file Checkpoints into graphs. An architecture is one file; this one finds it, checks the tensors against it and
 * adds what the checkpoint says about labels and preprocessing.
 */
import { GraphBuilder } from "../onnx/builder.js";
import { BATCH } from "../onnx/dim.js";
import { VitreousError } from "../onnx/errors.js";
import type { Graph, Model } from "../onnx/graph.js";
import type { Spec } from "../spec.js";
import type { Architecture, Features, Plan, PlanOptions, Recognised } from "./architecture.js";
import { ARCHITECTURES } from "./architectures.js";
import { type Description, nameOf } from "./description.js";
import { headPlan, type LinearHead, withHeadTensors } from "./head.js";
import { byModelType } from "./hugging-face/class-names.js";
import { readHuggingFaceConfig } from "./hugging-face/config.js";
import type { StoredTensors, TensorShapes } from "./stored-tensor.js";
import { readTimmConfig } from "./timm/config.js";
import { type Binding, listing, type WeightAccount, type Weights, weightsOf } from "./weights.js";

export type { PlanOptions, Recognised } from "./architecture.js";
export type { Description } from "./description.js";
export { readSafetensors, type Safetensors } from "./safetensors.js";
export { type StoredTensor, type StoredTensors, storedTensors } from "./stored-tensor.js";

/** Metadata: a JSON list of the classes' names, in the order of the logits. */
export const LABELS_KEY = "vitreous.labels";

/** Metadata: JSON of how pictures are prepared, in the words of the library the checkpoint comes from. */
export const PREPROCESSING_KEY = "vitreous.preprocessing";

/** Gelu as one operator came with opset 20; ONNX Runtime fuses it with the bias in front of it. */
const OPSET = 20;
const IR_VERSION = 9;

const SUPPORTED = `Those that can: ${ARCHITECTURES.map(({ name }) => name).join("; ")}. Export the model to ONNX and open the .onnx file instead.`;

/**
 * Reads a parsed config.json of Hugging Face's or timm's layout.
 *
 * @param source what messages call the file
 * @throws VitreousError naming each field that is wrong
 */
export function readConfig(json: unknown, source = "config.json"): Description {
  if (typeof json === "object" && json !== null && !("architecture" in json) && "model_type" in json) {
    return readHuggingFaceConfig(json, source);
  }
  return readTimmConfig(json, source);
}

/**
 * What tensors without a config.json imply.
 *
 * @param arch the architecture's name as the user gives it, with parameters in its library's words
 * @throws VitreousError where they are of no known architecture, or something cannot be settled
 */
export function recognise(tensors: TensorShapes, arch: Spec | undefined): Recognised {
  const named = byModelType(arch);
  for (const architecture of ARCHITECTURES) {
    const found = architecture.recognise?.(tensors, named);
    if (found) return found;
  }
  const names = [...tensors.keys()];
  throw new VitreousError(
    `the ${names.length} tensors (${names.slice(0, 4).join(", ")}, …) are of no architecture that can be opened from a checkpoint${arch ? ` under the name ${arch.name}` : ""}. ${SUPPORTED}`,
  );
}

function architectureOf(description: Description): Architecture {
  const found = ARCHITECTURES.find((architecture) => architecture.accepts(description));
  if (found) return found;
  throw new VitreousError(
    `The architecture "${nameOf(description)}" is not one of those that can be opened from a checkpoint. ${SUPPORTED}`,
  );
}

function planOf(description: Description, tensors: TensorShapes, options: PlanOptions): Plan {
  return architectureOf(description).plan(description, tensors, options);
}

/**
 * How a checkpoint's graph is written, without a byte of its weights.
 *
 * @throws VitreousError as `buildModel` does
 */
export function checkedPlan(description: Description, tensors: StoredTensors, options: PlanOptions): Plan {
  const plan = planOf(description, tensors, options);
  const weights = weightsOf(tensors, nameOf(description));
  writeGraph(plan, weights, nameOf(description));
  weights.finish();
  return plan;
}

/**
 * The tensors that a description asks for, name → dims, in the order in which the graph takes them.
 *
 * @param hints names that settle what a description leaves open, such as the trunk's prefix
 */
export function tensorsTaken(
  description: Description,
  hints: TensorShapes = new Map(),
): ReadonlyMap<string, readonly number[]> {
  const taken = new Map<string, readonly number[]>();
  const plan = planOf(description, hints, {});
  writeGraph(plan, listing(taken), nameOf(description));
  return taken;
}

export interface BuildOptions extends PlanOptions {
  /** A classifier of the user's, in the place of the checkpoint's own or where it has none. */
  readonly head?: LinearHead | undefined;
}

export interface BuiltModel {
  readonly model: Model;
  readonly notes: readonly string[];
  /** By the graph's constants: what of the checkpoint each is made of. */
  readonly bindings: ReadonlyMap<string, Binding>;
}

/**
 * The model of a checkpoint: pixel_values float32 [N, channels, H, W] → logits [N, classes] (or features [N, dim]
 * where it has no classifier), any batch size. float16 and bfloat16 tensors are widened to float32.
 *
 * @throws VitreousError for an unknown architecture or option, or listing every tensor that is missing, has
 *   another shape, or is not expected; nothing of the weights has been read by then
 */
export async function buildModel(
  description: Description,
  own: StoredTensors,
  { head, ...options }: BuildOptions = {},
): Promise<BuiltModel> {
  const tensors = head === undefined ? own : withHeadTensors(own, head);
  const planFor = (features: Features | undefined = options.features) =>
    planOf(description, own, { ...options, features });
  const plan = head === undefined ? planFor() : headPlan(head, planFor, (trunk) => widthOf(trunk, own));
  const weights = weightsOf(tensors, nameOf(description));
  writeGraph(plan, weights, nameOf(description));
  weights.finish();
  await weights.load();
  const model: Model = {
    irVersion: IR_VERSION,
    opsets: new Map([["", OPSET]]),
    producer: "vitreous",
    metadata: metadataOf(head === undefined ? description : undefined, plan),
    graph: writeGraph(plan, weights, nameOf(description)),
    functions: [],
  };
  return { model, notes: plan.notes ?? [], bindings: byName(model.graph, weights.bindings) };
}

function byName(graph: Graph, bindings: WeightAccount["bindings"]): ReadonlyMap<string, Binding> {
  const named = [...graph.constants].flatMap(([name, tensor]): [string, Binding][] => {
    const binding = bindings.get(tensor);
    return binding === undefined ? [] : [[name, binding]];
  });
  return new Map(named);
}

function writeGraph({ input, write }: Plan, weights: Weights, name: string): Graph {
  const graph = GraphBuilder.empty(name, OPSET);
  const pixels = graph.input({ name: "pixel_values", dtype: "float32", shape: [BATCH, ...input] });
  return graph.build([write({ graph, weights }, pixels)]);
}

/** The length of the vectors that a plan's graph gives. */
function widthOf(plan: Plan, tensors: StoredTensors): number | undefined {
  const [output] = writeGraph(plan, weightsOf(tensors, ""), "").outputs;
  const width = output?.shape?.[1];
  return typeof width === "number" ? width : undefined;
}

/** @param labelled whose labels are the logits'; undefined where the classifier is not the checkpoint's */
function metadataOf(
  labelled: Description | undefined,
  { classes, preprocessing }: Plan,
): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  const labels = labelled && "labels" in labelled ? labelled.labels : undefined;
  if (labels !== undefined && classes > 0) {
    if (labels.length !== classes)
      throw new VitreousError(`config.json names ${labels.length} labels for ${classes} classes.`);
    metadata.set(LABELS_KEY, JSON.stringify(labels));
  }
  if (preprocessing !== undefined) metadata.set(PREPROCESSING_KEY, JSON.stringify(preprocessing));
  return metadata;
}

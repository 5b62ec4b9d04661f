/**
 * @file The output: which of the outputs holds a score for each class, and where the raw logits are
 * when the graph ends in a Softmax.
 */
import { formatShape, isStatic } from "../onnx/dim.js";
import { VitreousError } from "../onnx/errors.js";
import type { Model, Node, ValueInfo } from "../onnx/graph.js";
import type { Anatomy } from "./anatomy.js";
import { holdsFeatures } from "./features.js";
import { ancestors, isNorm, rootOf, type Topology } from "./topology.js";

export interface FoundOutput {
  readonly output: Anatomy["output"];
  readonly notes: readonly string[];
}

const FLOATS = new Set(["float32", "float16", "bfloat16", "float64"]);

const describe = (outputs: readonly ValueInfo[]): string =>
  outputs.map((o) => `${o.name} ${formatShape(o.shape)}`).join(", ");

/** Throws where no output is [N, classes]. */
export function findOutput(
  model: Model,
  topology: Topology,
  hints: { readonly output?: string; readonly logits?: string },
): FoundOutput {
  const outputs = model.graph.outputs.map((o) => ({ ...o, ...model.graph.types.get(o.name) }));
  const candidates = outputs.filter(
    (o) =>
      FLOATS.has(o.dtype) &&
      o.shape?.length === 2 &&
      isStatic(o.shape[1]) &&
      topology.activations.has(o.name),
  );
  const named = hints.output === undefined ? undefined : candidates.find((o) => o.name === hints.output);
  if (hints.output !== undefined && named === undefined) {
    throw new VitreousError(
      `The model has no output ${hints.output} of shape [N, classes]; its outputs: ${describe(outputs)}.`,
    );
  }
  const chosen = named ?? chooseOutput(topology, candidates);
  if (chosen === undefined) {
    throw new VitreousError(
      `The model is no classifier: an output of shape [N, classes] is needed, its outputs are ${describe(outputs)}. ` +
        "Export it with its classification head.",
    );
  }
  const width = isStatic(chosen.shape?.[1]) ? chosen.shape[1] : 0;
  const byHand = named !== undefined || hints.logits !== undefined;
  if (!byHand && holdsFeatures(model, topology, chosen.name)) {
    return {
      output: { name: chosen.name, kind: "features", classes: 0, features: width, logits: chosen.name },
      notes: [],
    };
  }
  const end = logitsBehind(topology, chosen.name);
  const notes = [...end.notes];
  if (isFeature(topology, chosen.name)) {
    notes.push(
      `The output ${chosen.name} looks like features, not class scores: is it a model without its head?`,
    );
  }
  if (named === undefined && outputs.length > 1) {
    notes.push(`Of its outputs (${describe(outputs)}) ${chosen.name} was taken as the classifier's.`);
  }
  return {
    output: {
      name: chosen.name,
      kind: end.kind,
      classes: width,
      logits: hints.logits ?? end.logits,
    },
    notes,
  };
}

/**
 * The output that is computed from the others (averaged heads rather than each head); logits rather than the
 * probabilities made of them; a linear layer's result rather than a pooled feature vector.
 */
function chooseOutput(topology: Topology, candidates: readonly ValueInfo[]): ValueInfo | undefined {
  const linear = candidates.filter((o) => !isFeature(topology, o.name));
  const pool = linear.length > 0 ? linear : candidates;
  const withLogits = pool.filter((o) => {
    const { logits } = logitsBehind(topology, o.name);
    return logits === o.name || !pool.some((other) => other !== o && other.name === logits);
  });
  const scored = withLogits.map((o) => {
    const before = ancestors(topology, o.name);
    return { o, uses: candidates.filter((other) => other !== o && before.has(other.name)).length };
  });
  return scored.sort((a, b) => b.uses - a.uses)[0]?.o;
}

/** A pooled or normalised feature vector: ends in a norm, a mean, a slice or a Tanh (the pooler of BERT-like models). */
function isFeature(topology: Topology, name: string): boolean {
  const node = topology.producers.get(rootOf(topology, name));
  if (node === undefined) return true;
  return (
    isNorm(node) ||
    ["Tanh", "ReduceMean", "Gather", "Slice", "GlobalAveragePool", "LpNormalization", "TopK"].includes(
      node.op,
    )
  );
}

type End = Pick<Anatomy["output"], "kind" | "logits"> & { readonly notes: readonly string[] };

function logitsBehind(topology: Topology, output: string): End {
  const node = topology.producers.get(rootOf(topology, output));
  const logits = node?.inputs[0] ?? output;
  if (node?.op === "Softmax") return { kind: "probabilities", logits, notes: [] };
  if (node?.op === "LogSoftmax") {
    return {
      kind: "logits",
      logits,
      notes: ["The output is log-probabilities; gradients are taken at the logits."],
    };
  }
  if (node?.op === "Sigmoid") {
    return {
      kind: "probabilities",
      logits,
      notes: ["The output ends in a Sigmoid: classes are scored one by one, not against each other."],
    };
  }
  const spelled = node === undefined ? undefined : spelledOutSoftmax(topology, node);
  if (spelled !== undefined) return { kind: "probabilities", logits: spelled, notes: [] };
  return { kind: "logits", logits: output, notes: [] };
}

/** exp(x − max)/Σexp(x − max): its x. */
function spelledOutSoftmax(topology: Topology, node: Node): string | undefined {
  const [above = "", below = ""] = node.inputs;
  const sum = topology.producers.get(below);
  const exp = topology.producers.get(above);
  if (node.op !== "Div" || exp?.op !== "Exp" || sum?.op !== "ReduceSum" || sum.inputs[0] !== above)
    return undefined;
  const shifted = exp.inputs[0] ?? "";
  const sub = topology.producers.get(shifted);
  const max = sub === undefined ? undefined : topology.producers.get(sub.inputs[1] ?? "");
  return sub?.op === "Sub" && max?.op === "ReduceMax" ? sub.inputs[0] : shifted;
}

/**
 * @file Reverse-mode differentiation by rewriting the graph: the model's nodes, then nodes that carry the gradient
 * from the differentiated values back to every wanted one. ONNX Runtime runs the result like any model.
 */
import { GraphBuilder } from "../onnx/builder.js";
import { isFloatType } from "../onnx/data-type.js";
import { VitreousError } from "../onnx/errors.js";
import type { Graph, Model, Node } from "../onnx/graph.js";
import { Accumulator } from "./accumulator.js";
import { Emitter } from "./emitter.js";
import { writeForward } from "./forward.js";
import { recogniseUnits } from "./patterns.js";
import { findReach, requireRules } from "./reach.js";
import { ruleKey, ruleOf } from "./registry.js";
import type { RuleContext } from "./rule.js";
import { describe } from "./rule.js";

export interface GradientRequest {
  /**
   * What is differentiated: values with a seed of the same shape each, an input or value of the graph. The scalar
   * is Σ seed⊙value; a one-hot seed [N, classes] on the logits gives each image the gradient of its own class.
   */
  readonly of: readonly { readonly value: string; readonly seed: string }[];
  /** Values (or inputs) whose gradients are wanted. They may lie upstream of each other. */
  readonly wrt: readonly string[];
}

export interface Gradients {
  /** The model with nodes added. Its outputs are unchanged: name what you need as output, then prune. */
  readonly model: Model;
  /** For each wanted value the name of its gradient, of the same shape. */
  readonly gradients: ReadonlyMap<string, string>;
  /** Wanted values that the differentiated ones do not depend on: their gradients are zeros. */
  readonly zero: readonly string[];
}

/**
 * Extends the model by the gradients of Σ seed⊙value with respect to each wanted value. Only nodes between the two
 * are differentiated, and forward values are reused. The model must be prepared: functions inlined, types inferred.
 *
 * @throws VitreousError when a name is unknown or not floating-point, or an operator on the path has no rule.
 */
export function gradients(model: Model, request: GradientRequest): Gradients {
  const { graph } = model;
  const wanted = new Set(request.wrt);
  const units = recogniseUnits(graph, wanted);
  const nodes = graph.nodes.map((node) => units.get(node) ?? node);
  const { downstream, active } = findReach(nodes, new Set(request.of.map(({ value }) => value)), wanted);
  requireRules(active);

  const builder = GraphBuilder.rebuilding(model);
  const emit = new Emitter(builder);
  const saved = new Map<Node, Readonly<Record<string, string>>>();
  for (const [i, node] of nodes.entries()) {
    if (active.has(node)) saved.set(node, writeForward(node, ruleKey(node), emit));
    else emit.push(graph.nodes[i] ?? node);
  }
  requireValues(builder, graph, request);

  const sums = new Accumulator(emit);
  for (const { value, seed } of request.of) if (downstream.has(value)) sums.add(value, seed);
  for (const node of nodes.toReversed()) {
    if (active.has(node)) propagate(node, emit, sums, downstream, saved.get(node) ?? {});
  }

  const zero: string[] = [];
  const named = new Map<string, string>();
  for (const name of wanted) {
    const sum = sums.sum(name);
    if (sum === undefined) zero.push(name);
    named.set(name, sum ?? emit.zerosLike(name));
  }
  return { model: { ...model, graph: everything(builder, graph, named.values()) }, gradients: named, zero };
}

/** Hands what arrived at a node's outputs on to those of its inputs that lead to a wanted value. */
function propagate(
  node: Node,
  emit: Emitter,
  sums: Accumulator,
  downstream: ReadonlySet<string>,
  saved: Readonly<Record<string, string>>,
): void {
  if (!node.outputs.some((name) => sums.has(name))) return;
  const gradient = (output: number) => sums.sum(node.outputs[output] ?? "");
  const context: RuleContext = {
    node,
    emit,
    saved,
    gradient,
    get dy() {
      return gradient(0) ?? emit.zerosLike(node.outputs[0] ?? "");
    },
    linear: () => sums.linear(node.outputs[0] ?? ""),
  };
  const byInput = ruleOf(ruleKey(node))?.(context) ?? [];
  for (const [i, name] of node.inputs.entries()) {
    if (name === "" || !downstream.has(name) || !isFloatType(emit.dtype(name))) continue;
    const rule = byInput[i];
    if (rule === undefined) {
      throw new VitreousError(
        `${describe(node)} has no gradient rule for its input ${i} ("${name}"). ` +
          "Methods that need no gradient still work.",
      );
    }
    const contribution = rule();
    if (contribution !== undefined) sums.add(name, contribution);
  }
}

function requireValues(builder: GraphBuilder, graph: Graph, { of, wrt }: GradientRequest): void {
  const names = new Set([
    ...graph.inputs.map((input) => input.name),
    ...graph.constants.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ]);
  const types = new Map(
    [...of.flatMap(({ value, seed }) => [value, seed]), ...wrt].map((name) => [name, builder.typeOf(name)]),
  );
  for (const [name, { dtype }] of types) {
    if (!names.has(name)) {
      throw new VitreousError(
        `The model has no value "${name}" to take a gradient of or by. Check the tensor's name.`,
      );
    }
    if (dtype !== "other" && !isFloatType(dtype)) {
      throw new VitreousError(`Value "${name}" is ${dtype}: only floating-point values have gradients.`);
    }
  }
}

/** The graph with all old values kept, since the caller may want any of them, under its old outputs. */
function everything(builder: GraphBuilder, graph: Graph, added: Iterable<string>): Graph {
  const outputs = graph.outputs.map((output) => output.name);
  const old = graph.nodes.flatMap((node) => node.outputs.filter((name) => name !== ""));
  const built = builder.build([...new Set([...outputs, ...old, ...added])]);
  return { ...built, outputs: built.outputs.filter((output) => outputs.includes(output.name)) };
}

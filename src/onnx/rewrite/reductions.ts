/**
 * @file Sums before products. A sum over rows of A·B is the sum of A's rows times B: a vector's work in place of a
 * matrix's. So a sum or mean of what linear operators have made moves in front of them, as far as that saves a
 * matrix product. (Grad-CAM's weights are such means: of a gradient that comes out of a product with weights.)
 */
import { int, intAttribute } from "../attributes.js";
import { GraphBuilder } from "../builder.js";
import type { Model, Node } from "../graph.js";
import { neededBy } from "../order.js";
import { whole } from "./box.js";
import { cut } from "./cut.js";
import { inferTypes } from "./known.js";
import { extentOf, linearStep, type Step, type Sum, type Term } from "./linear.js";
import { rebuilt } from "./model.js";
import type { Known } from "./rule.js";
import { reducedAxes } from "./rules/contract.js";

interface Subject {
  readonly builder: GraphBuilder;
  readonly known: Known;
  /** The way through the node that makes a value, where only this sum uses the value and a product is saved. */
  saving(sum: Sum): Step | undefined;
}

function subjectOf(model: Model, builder: GraphBuilder, keep: readonly string[]): Subject {
  const { graph } = model;
  const known = inferTypes(model);
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const uses = new Map<string, number>();
  const used = [...graph.nodes.flatMap(neededBy), ...keep, ...graph.outputs.map((output) => output.name)];
  for (const name of used) uses.set(name, (uses.get(name) ?? 0) + 1);
  const saving = (sum: Sum): Step | undefined => {
    const maker = makers.get(sum.value);
    // What others use is computed anyway.
    if (maker === undefined || uses.get(sum.value) !== 1) return undefined;
    const step = linearStep(maker, sum, known);
    const saves = step?.saves || step?.terms.some((term) => isSum(term) && saving(term) !== undefined);
    return saves ? step : undefined;
  };
  return { builder, known, saving };
}

const isSum = (term: Term): term is Sum => term.axes !== undefined;

function writeTerm(term: Term, subject: Subject): string {
  const { builder } = subject;
  const step = isSum(term) ? subject.saving(term) : undefined;
  if (step !== undefined)
    return step.write(
      builder,
      step.terms.map((t) => writeTerm(t, subject)),
    );
  const part = cut(builder, term.value, term.box);
  if (!isSum(term)) return part;
  return builder.add("ReduceSum", [part, builder.ints(term.axes)], { keepdims: int(1) }, { hint: "sum" });
}

/** Writes a sum or mean behind what was moved; false: nothing is saved by moving it. */
function writeMoved(node: Node, subject: Subject): boolean {
  const { builder, known } = subject;
  const [value = ""] = node.inputs;
  const axes = reducedAxes(node, known);
  const shape = known.shape(value);
  if (!axes || !shape) return false;
  const sum: Sum = { value, axes, box: whole(shape) };
  const count = node.op === "ReduceMean" ? extentOf(sum.box, axes, shape) : 1;
  if (count === undefined || subject.saving(sum) === undefined) return false;
  const total = writeTerm(sum, subject);
  const [output = ""] = node.outputs;
  const scope = node.scope === undefined ? {} : { scope: node.scope };
  const drop = intAttribute(node, "keepdims", 1) === 0;
  const final = { outputs: [output], ...scope };
  const factor = builder.float(1 / count, builder.typeOf(total).dtype);
  const mean = count === 1 ? total : builder.add("Mul", [total, factor], {}, drop ? scope : final);
  if (drop) builder.add("Squeeze", [mean, builder.ints(axes)], {}, final);
  else if (count === 1) builder.add("Identity", [mean], {}, final);
  return true;
}

/** The model with sums and means moved before the linear operators that make what they sum. */
export function moveReductions(model: Model, keep: readonly string[] = []): Model {
  const builder = GraphBuilder.rebuilding(model);
  const subject = subjectOf(model, builder, keep);
  for (const node of model.graph.nodes) {
    const candidate = node.domain === "" && (node.op === "ReduceSum" || node.op === "ReduceMean");
    if (!candidate || !writeMoved(node, subject)) builder.push(node);
  }
  return rebuilt(model, builder, keep);
}

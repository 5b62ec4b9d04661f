/**
 * @file Widens hidden layers whose rows are a multiple of 4096 bytes apart (ViT-B's 3072 floats). A matrix product
 * reads a dozen such rows side by side, all from the same sets of the first-level cache, and loses a tenth of its
 * speed. A few columns of zeros cost half a per cent and move the rows apart.
 */
import { GraphBuilder } from "../builder.js";
import { isStatic } from "../dim.js";
import type { Graph, Model, Node } from "../graph.js";

/** Distance of rows, in floats, at which they fall into the same cache sets. */
const PAGE = 1024;
/** Columns added: one cache line. */
const EXTRA = 16;

/** Functions of one element that are finite at 0: the columns added must not become NaN on their way to a 0. */
const UNARY = new Set("Erf Gelu Sigmoid Tanh Relu LeakyRelu HardSigmoid HardSwish Exp Neg Abs".split(" "));
const BINARY = new Set(["Add", "Sub", "Mul", "Div"]);

interface Index {
  readonly graph: Graph;
  readonly producers: ReadonlyMap<string, Node>;
  readonly readers: ReadonlyMap<string, readonly Node[]>;
  /** Values that depend on constants alone. */
  readonly fixed: ReadonlySet<string>;
  readonly outputs: ReadonlySet<string>;
}

function indexOf(graph: Graph): Index {
  const producers = new Map<string, Node>();
  const readers = new Map<string, Node[]>();
  const fixed = new Set(graph.constants.keys());
  for (const node of graph.nodes) {
    for (const name of node.outputs) producers.set(name, node);
    for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node]);
    if (node.inputs.length > 0 && node.inputs.every((name) => name === "" || fixed.has(name))) {
      for (const name of node.outputs) fixed.add(name);
    }
  }
  return { graph, producers, readers, fixed, outputs: new Set(graph.outputs.map((output) => output.name)) };
}

/** What has to change together: values of one hidden width, between matrix products by constants. */
interface Region {
  readonly values: Set<string>;
  /** Vectors among the operands, widened like the values. */
  readonly columns: Set<string>;
}

const shapeOf = ({ graph }: Index, name: string) => graph.types.get(name)?.shape;
const lastOf = (index: Index, name: string) => shapeOf(index, name)?.at(-1);

/** Whether node is x·W with a constant matrix W. */
function isLinear(index: Index, node: Node): boolean {
  const weight = node.inputs[1] ?? "";
  return (
    node.op === "MatMul" &&
    node.domain === "" &&
    index.fixed.has(weight) &&
    shapeOf(index, weight)?.length === 2
  );
}

/** Adds an elementwise node's operands to the region; false where one does not fit. */
function addOperands(index: Index, region: Region, node: Node, width: number, queue: string[]): boolean {
  return node.inputs.every((name, i) => {
    const shape = shapeOf(index, name);
    if (shape === undefined || index.graph.types.get(name)?.dtype !== "float32") return false;
    if (!index.fixed.has(name)) {
      queue.push(name);
      return shape.at(-1) === width;
    }
    if (shape.length === 0 || shape.at(-1) === 1) return true;
    // A vector is widened by zeros, which must not be divided by.
    if (shape.at(-1) !== width || (node.op === "Div" && i === 1)) return false;
    region.columns.add(name);
    return true;
  });
}

/** Everything that must be widened with the value; undefined where something else depends on the width. */
function regionOf(index: Index, start: string, width: number): Region | undefined {
  const region: Region = { values: new Set(), columns: new Set() };
  const queue = [start];
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    if (region.values.has(value)) continue;
    region.values.add(value);
    const producer = index.producers.get(value);
    if (producer === undefined || index.outputs.has(value) || lastOf(index, value) !== width)
      return undefined;
    const elementwise = (node: Node) =>
      node.domain === "" && (BINARY.has(node.op) || (UNARY.has(node.op) && node.outputs.length === 1));
    const fits =
      isLinear(index, producer) ||
      (elementwise(producer) && addOperands(index, region, producer, width, queue));
    if (!fits) return undefined;
    for (const reader of index.readers.get(value) ?? []) {
      if (elementwise(reader)) queue.push(...reader.outputs);
      else if (!isLinear(index, reader) || reader.inputs[0] !== value) return undefined;
    }
  }
  // Of what may be divided by, only an exponential is known not to be 0 in the added columns.
  const divides = [...region.values].some((value) => {
    const node = index.producers.get(value);
    const divisor = node?.op === "Div" ? (node.inputs[1] ?? "") : "";
    return region.values.has(divisor) && index.producers.get(divisor)?.op !== "Exp";
  });
  return divides ? undefined : region;
}

/** The model with such hidden layers widened; its outputs are the same. Zeros are added to weights by nodes that the runtime folds at load. */
export function spreadRows(model: Model): Model {
  const index = indexOf(model.graph);
  const hidden = new Map<string, Region>();
  for (const node of model.graph.nodes) {
    const value = node.inputs[0] ?? "";
    const width = lastOf(index, value);
    if (!isLinear(index, node) || hidden.has(value) || !isStatic(width) || width % PAGE !== 0) continue;
    const region = regionOf(index, value, width);
    for (const name of region?.values ?? []) if (region) hidden.set(name, region);
  }
  if (hidden.size === 0) return model;
  const builder = GraphBuilder.rebuilding(model);
  const widened = new Map<string, string>();
  const widen = (name: string, axes: "rows" | "columns") => {
    const key = `${axes} ${name}`;
    const known = widened.get(key);
    if (known !== undefined) return known;
    const rank = builder.shapeOf(name)?.length ?? 0;
    const pads = Array.from({ length: 2 * rank }, (_, i) =>
      i === rank + (axes === "rows" ? 0 : rank - 1) ? EXTRA : 0,
    );
    const output = builder.add("Pad", [name, builder.ints(pads)], {}, { hint: `${name}/widened` });
    widened.set(key, output);
    return output;
  };
  for (const node of model.graph.nodes) {
    const before = hidden.get(node.inputs[0] ?? "");
    const after = hidden.get(node.outputs[0] ?? "");
    if (isLinear(index, node)) {
      const [x = "", weight = ""] = node.inputs;
      const rows = before === undefined ? weight : widen(weight, "rows");
      builder.push({ ...node, inputs: [x, after === undefined ? rows : widen(rows, "columns")] });
    } else if (after === undefined) builder.push(node);
    else {
      const inputs = node.inputs.map((name) => (after.columns.has(name) ? widen(name, "columns") : name));
      builder.push({ ...node, inputs });
    }
  }
  return { ...model, graph: builder.build() };
}

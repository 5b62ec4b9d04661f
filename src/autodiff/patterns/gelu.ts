/**
 * @file Finds GELU where an exporter wrote it out in primitives (Div, Erf, Add, Mul, Mul), so that it is
 * differentiated as one function instead of piece by piece.
 */
import type { Graph, Node } from "../../onnx/graph.js";
import type { GraphIndex } from "./graph-index.js";

const near = (a: number | undefined, b: number): boolean =>
  a !== undefined && Math.abs(a - b) <= 1e-4 * Math.abs(b);

/** The value that is multiplied by `factor` (or divided by its reciprocal) to give `name`. */
function scaledBy(index: GraphIndex, name: string, factor: number): string | undefined {
  const node = index.producer(name);
  const [a = "", b = ""] = node?.inputs ?? [];
  if (node?.op === "Div" && near(index.scalar(b), 1 / factor)) return a;
  if (node?.op !== "Mul") return undefined;
  if (near(index.scalar(b), factor)) return a;
  return near(index.scalar(a), factor) ? b : undefined;
}

/** The other operand of a node with two, one of which is `name`. */
const other = (node: Node, name: string): string =>
  (node.inputs[0] === name ? node.inputs[1] : node.inputs[0]) ?? "";

/** From the node of erf(x/√2) down to the one that makes x·(1 + erf)/2, whatever the order of the factors. */
function geluRoot(index: GraphIndex, erf: Node): { readonly x: string; readonly root: Node } | undefined {
  const x = scaledBy(index, erf.inputs[0] ?? "", Math.SQRT1_2);
  let value = erf.outputs[0] ?? "";
  const sum = index.reader(value);
  if (x === undefined || sum?.op !== "Add" || !near(index.scalar(other(sum, value)), 1)) return undefined;
  value = sum.outputs[0] ?? "";
  let [needsX, needsHalf] = [true, true];
  for (;;) {
    const node = index.reader(value);
    if (node === undefined) return undefined;
    const factor = other(node, value);
    if (node.op === "Div" && needsHalf && node.inputs[0] === value && near(index.scalar(factor), 2)) {
      needsHalf = false;
    } else if (node.op !== "Mul") return undefined;
    else if (needsX && factor === x) needsX = false;
    else if (needsHalf && near(index.scalar(factor), 0.5)) needsHalf = false;
    else if (needsX && needsHalf && scaledBy(index, factor, 0.5) === x) [needsX, needsHalf] = [false, false];
    else return undefined;
    if (!needsX && !needsHalf) return { x, root: node };
    value = node.outputs[0] ?? "";
  }
}

/** For each written-out GELU its last node, and the `Gelu` that makes the same value. */
export function findGelus(
  graph: Graph,
  index: GraphIndex,
  kept: ReadonlySet<string>,
): ReadonlyMap<Node, Node> {
  const units = new Map<Node, Node>();
  for (const node of graph.nodes) {
    if (node.op !== "Erf" || node.domain !== "") continue;
    const found = geluRoot(index, node);
    if (found === undefined) continue;
    const { x, root } = found;
    if (insideOf(index, root, x).some((name) => kept.has(name))) continue;
    units.set(root, { ...root, op: "Gelu", domain: "", inputs: [x], attributes: {} });
  }
  return units;
}

/** Values between x and the root. */
function insideOf(index: GraphIndex, root: Node, x: string): readonly string[] {
  return root.inputs.flatMap((name) => {
    const producer = index.producer(name);
    return name === x || producer === undefined ? [] : [name, ...insideOf(index, producer, x)];
  });
}

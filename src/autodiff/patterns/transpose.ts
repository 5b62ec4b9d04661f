/**
 * @file Finds transposes of a matrix that an exporter wrote around a detour: axes in front merged, the last two
 * exchanged, axes in front split again. Without the detour a matrix product takes the transpose in.
 */
import { ints, intsAttribute } from "../../onnx/attributes.js";
import { sameDim } from "../../onnx/dim.js";
import type { Graph, Node } from "../../onnx/graph.js";
import type { GraphIndex } from "./graph-index.js";

/** Whether the permutation exchanges the last two axes and nothing else. */
const isSwap = (perm: readonly number[]): boolean =>
  perm.length >= 2 && perm.every((axis, i) => axis === (i < perm.length - 2 ? i : 2 * perm.length - 3 - i));

/** For each such detour its last node, and the Transpose that makes the same value. */
export function findTransposes(
  graph: Graph,
  index: GraphIndex,
  kept: ReadonlySet<string>,
): ReadonlyMap<Node, Node> {
  const units = new Map<Node, Node>();
  for (const last of graph.nodes) {
    const swapped = last.inputs[0] ?? "";
    const transpose = index.producer(swapped);
    const first = index.producer(transpose?.inputs[0] ?? "");
    if (last.op !== "Reshape" || transpose?.op !== "Transpose" || first?.op !== "Reshape") continue;
    const x = first.inputs[0] ?? "";
    const [from, merged, to] = [x, first.outputs[0] ?? "", last.outputs[0] ?? ""].map(index.shape);
    if (!from || !merged || !to || from.length !== to.length || from.length < 2) continue;
    if (
      !isSwap(intsAttribute(transpose, "perm") ?? []) ||
      [swapped, transpose.inputs[0] ?? ""].some((name) => kept.has(name))
    )
      continue;
    const [m, n] = from.slice(-2);
    const same =
      sameDim(merged.at(-2), m) &&
      sameDim(merged.at(-1), n) &&
      sameDim(to.at(-2), n) &&
      sameDim(to.at(-1), m) &&
      from.slice(0, -2).every((extent, axis) => sameDim(extent, to[axis]));
    if (!same) continue;
    const rank = from.length;
    const perm = from.map((_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
    units.set(last, { ...last, op: "Transpose", inputs: [x], attributes: { perm: ints(perm) } });
  }
  return units;
}

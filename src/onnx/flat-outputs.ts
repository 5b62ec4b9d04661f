/**
 * @file Brings what a classifier gives to [N, classes]. Some graphs end in [N, classes, 1, 1] or [N, 1, classes],
 * some give a single score as [N], and some give only the best class: then what it was chosen from is the output.
 */

import { GraphBuilder } from "./builder.js";
import { type Dim, isStatic, type Shape } from "./dim.js";
import type { Model, Node, ValueInfo } from "./graph.js";

/** Their results are chosen from scores. */
const CHOICES = new Set(["ArgMax", "TopK"]);
/** These may stand between a choice and the output. */
const MOVES = new Set(["Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Gather", "Slice"]);
const FLOATS = new Set(["float32", "float16", "bfloat16", "float64"]);

/** The model with [N, classes] outputs beside its own where it has none. `graph.types` must be filled in. */
export function flattenOutputs(model: Model): Model {
  const { graph } = model;
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const typed = graph.outputs.map((output) => ({ ...output, ...graph.types.get(output.name) }));
  if (typed.some((output) => isScores(output) && choiceBehind(producers, output.name) === undefined))
    return model;
  const builder = GraphBuilder.extending(model);
  const batches = graph.inputs.map((input) => input.shape?.[0] ?? null);
  const found = new Set<string>();
  for (const output of typed) {
    const chosenFrom = choiceBehind(producers, output.name)?.inputs[0];
    const name = chosenFrom ?? output.name;
    const flat = flattened(
      builder,
      { name, ...(chosenFrom === undefined ? output : builder.typeOf(name)) },
      batches,
    );
    if (flat !== undefined) found.add(flat);
  }
  return found.size === 0 ? model : { ...model, graph: builder.build([...found]) };
}

const isScores = ({ dtype, shape }: Omit<ValueInfo, "name">): boolean =>
  FLOATS.has(dtype) && shape?.length === 2 && isStatic(shape[1]);

function choiceBehind(producers: ReadonlyMap<string, Node>, output: string): Node | undefined {
  let node = producers.get(output);
  while (node !== undefined && MOVES.has(node.op)) node = producers.get(node.inputs[0] ?? "");
  return node !== undefined && CHOICES.has(node.op) ? node : undefined;
}

/** The value as [N, classes], or undefined where it is not one score for each class. */
function flattened(builder: GraphBuilder, value: ValueInfo, batches: readonly Dim[]): string | undefined {
  if (isScores(value)) return value.name;
  const classes = classesOf(value.shape, batches);
  if (!FLOATS.has(value.dtype) || classes === undefined) return undefined;
  return builder.add(
    "Reshape",
    [value.name, builder.ints([-1, classes])],
    {},
    { hint: `${value.name}.scores` },
  );
}

/** The only axis behind the first that is longer than 1; 1 where there is none. */
function classesOf(shape: Shape | undefined, batches: readonly Dim[]): number | undefined {
  if (shape === undefined || shape.length === 0) return undefined;
  const [images = null, ...others] = shape;
  if ((isStatic(images) && !batches.includes(images)) || !others.every(isStatic)) return undefined;
  const long = others.filter((d) => d !== 1);
  return long.length > 1 ? undefined : (long[0] ?? 1);
}

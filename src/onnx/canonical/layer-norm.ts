/**
 * @file Recognises layer normalisation written out, as exporters before opset 17 do: it becomes one
 * LayerNormalization, which the runtime computes faster and which is differentiated as one unit.
 */
import { float, int } from "../attributes.js";
import { GraphBuilder } from "../builder.js";
import { isStaticShape } from "../dim.js";
import type { Model, Node } from "../graph.js";
import { axesOf, normalAxis } from "../shape/rule.js";
import { elementCount, float32Tensor, tensorToInts } from "../tensor.js";
import { Lookup } from "./match.js";

interface Core {
  readonly source: string;
  readonly epsilon: number;
  /** First normalised axis. */
  readonly axis: number;
  readonly dims: readonly number[];
}

interface Affine {
  readonly last: Node;
  readonly scale?: string;
  readonly bias?: string;
}

/** The model with written-out layer normalisations as single nodes. Needs types. */
export function recogniseLayerNorm(model: Model): Model {
  const lookup = new Lookup(model.graph);
  const found = new Map<Node, readonly [Core, Affine]>();
  for (const node of model.graph.nodes) {
    const core = coreOf(node, lookup);
    if (core === undefined) continue;
    const affine = affineOf(node, core, lookup);
    found.set(affine.last, [core, affine]);
  }
  if (found.size === 0) return model;
  const builder = GraphBuilder.rebuilding(model);
  for (const node of model.graph.nodes) {
    const match = found.get(node);
    if (match) pushNorm(builder, node, ...match);
    else builder.push(node);
  }
  return { ...model, graph: builder.build() };
}

function pushNorm(builder: GraphBuilder, node: Node, core: Core, { scale, bias }: Affine): void {
  const shaped = (name: string): string => {
    const tensor = builder.constantOf(name);
    if (tensor === undefined || tensor.dims.length === core.dims.length) return name;
    return builder.constant({ ...tensor, dims: core.dims }, name);
  };
  const ones = (): string =>
    builder.constant(float32Tensor(core.dims, new Float32Array(elementCount(core.dims)).fill(1)), "ones");
  const gamma = scale === undefined ? ones() : shaped(scale);
  const inputs = bias === undefined ? [core.source, gamma] : [core.source, gamma, shaped(bias)];
  const attributes = { axis: int(core.axis), epsilon: float(core.epsilon) };
  builder.push({ ...node, op: "LayerNormalization", inputs, attributes });
}

/** (x − mean)/sqrt(mean((x − mean)²) + ε), ending in this Div, or in a Mul by the reciprocal. */
function coreOf(node: Node, lookup: Lookup): Core | undefined {
  if (node.domain !== "" || (node.op !== "Div" && node.op !== "Mul")) return undefined;
  const [a, b] = node.inputs;
  if (node.op === "Div") return centredOver(a, b, lookup);
  return centredOver(a, reciprocal(b, lookup), lookup) ?? centredOver(b, reciprocal(a, lookup), lookup);
}

const reciprocal = (name: string | undefined, lookup: Lookup): string | undefined =>
  lookup.maker(name, "Reciprocal")?.inputs[0];

function centredOver(
  centred: string | undefined,
  deviation: string | undefined,
  lookup: Lookup,
): Core | undefined {
  const root = lookup.maker(deviation, "Sqrt");
  const sum = lookup.withScalar(lookup.maker(root?.inputs[0], "Add"));
  const variance = lookup.maker(sum?.other, "ReduceMean");
  const source = centredSource(centred, lookup);
  if (sum === undefined || variance === undefined || source === undefined) return undefined;
  if (squared(variance.inputs[0], lookup, source.name) === undefined) return undefined;
  const { shape } = lookup.graph.types.get(source.name) ?? {};
  const axes = trailingAxes(variance, lookup, shape?.length);
  const same = axes !== undefined && axes === trailingAxes(source.mean, lookup, shape?.length);
  const dims = same ? shape?.slice(axes) : undefined;
  if (axes === undefined || !isStaticShape(dims) || sum.value <= 0) return undefined;
  return { source: source.name, epsilon: sum.value, axis: axes, dims };
}

/** x of x − mean(x). */
function centredSource(
  name: string | undefined,
  lookup: Lookup,
): { readonly name: string; readonly mean: Node } | undefined {
  const difference = lookup.maker(name, "Sub");
  const mean = lookup.maker(difference?.inputs[1], "ReduceMean");
  const source = difference?.inputs[0];
  return source !== undefined && mean?.inputs[0] === source ? { name: source, mean } : undefined;
}

/** True (the name) where the value is the square of source − mean(source). */
function squared(name: string | undefined, lookup: Lookup, source: string): string | undefined {
  const power = lookup.maker(name, "Pow", "Mul");
  const [base, exponent] = power?.inputs ?? [];
  const isSquare = power?.op === "Pow" ? lookup.scalar(exponent) === 2 : base === exponent;
  return isSquare && centredSource(base, lookup)?.name === source ? base : undefined;
}

/** The first axis of a mean over all axes from it on, kept; undefined for any other reduction. */
function trailingAxes(node: Node, lookup: Lookup, rank: number | undefined): number | undefined {
  if (
    rank === undefined ||
    (node.attributes.keepdims?.kind === "int" && node.attributes.keepdims.value === 0)
  ) {
    return undefined;
  }
  const given = axesOf(node, 1, {
    type: () => undefined,
    ints: (name) => {
      const tensor = lookup.constant(name);
      return tensor && tensorToInts(tensor);
    },
    constant: (name) => lookup.constant(name),
    opset: 0,
  });
  const axes = given?.map((axis) => normalAxis(axis, rank)).sort((x, y) => x - y);
  const [first] = axes ?? [];
  if (first === undefined || axes?.length !== rank - first) return undefined;
  return axes.every((axis, i) => axis === first + i) ? first : undefined;
}

/** The weight and bias that follow, as far as they are constants over the normalised axes and nothing else reads what is between. */
function affineOf(node: Node, core: Core, lookup: Lookup): Affine {
  const weight = following(node, "Mul", core, lookup);
  const scaled = weight?.last ?? node;
  const shift = following(scaled, "Add", core, lookup);
  return {
    last: shift?.last ?? scaled,
    ...(weight ? { scale: weight.constant } : {}),
    ...(shift ? { bias: shift.constant } : {}),
  };
}

function following(
  node: Node,
  op: string,
  core: Core,
  lookup: Lookup,
): { readonly last: Node; readonly constant: string } | undefined {
  const [value] = node.outputs;
  const user = lookup.onlyUser(value);
  if (user?.op !== op || user.domain !== "") return undefined;
  const constant = user.inputs.find((name) => name !== value);
  const dims = lookup.constant(constant)?.dims;
  if (constant === undefined || dims === undefined) return undefined;
  // [D], or [1, …, 1, D] as some exporters write it.
  const lead = dims.length - core.dims.length;
  const fits =
    lead >= 0 && core.dims.every((d, i) => dims[lead + i] === d) && dims.slice(0, lead).every((d) => d === 1);
  return fits ? { last: user, constant } : undefined;
}

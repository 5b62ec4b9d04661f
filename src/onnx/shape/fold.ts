/**
 * @file Constant folding. What the batch does not change is computed now; what only says a shape becomes a
 * constant target or, where it depends on N, one small canonical form. After it a graph of the legacy exporter
 * is as plain as one of torch.export, and later passes need to know one way of saying things.
 */
import { graphAttribute, int } from "../attributes.js";
import { GraphBuilder } from "../builder.js";
import { dataTypeCode } from "../data-type.js";
import { isStatic, isStaticShape, type Shape, sameDim } from "../dim.js";
import type { Attribute, Graph, Model, Node, ValueType } from "../graph.js";
import { neededBy } from "../order.js";
import { countOf, decode, tensorOf } from "./array.js";
import { CONTENT_LIMIT } from "./content.js";
import { evaluate } from "./evaluate.js";
import { BatchNumbers, batchInput } from "./materialise.js";
import { isNoOp } from "./no-op.js";

/** Re-laying out a stored weight larger than this would only copy it: the runtime does that when it loads. */
const WEIGHT_LIMIT = 2 ** 16;

/** Operators that read nothing but what a constant says, or nothing at all. */
const GENERATORS = new Set(["Constant"]);

/** Operators whose result differs from run to run. */
const RANDOM = /^(Random|Bernoulli|Multinomial)/;

/** The model with everything folded that does not depend on its inputs, and no-op nodes gone. */
export function foldConstants(model: Model): Model {
  return { ...model, graph: new Folder(model).run() };
}

class Folder {
  readonly #builder: GraphBuilder;
  readonly #graph: Graph;
  readonly #outputs: ReadonlySet<string>;
  /** Values that are another value under a second name. */
  readonly #renamed = new Map<string, string>();
  /** Nodes left out because what they compute is known, by output. */
  readonly #pending = new Map<string, Node>();
  /** Constants of the file, as opposed to folded ones. */
  readonly #stored: ReadonlySet<string>;
  /** Absent where no input has a symbolic batch. */
  readonly #batch: BatchNumbers | undefined;

  constructor(model: Model) {
    this.#graph = model.graph;
    this.#builder = GraphBuilder.rebuilding(model);
    this.#outputs = new Set(model.graph.outputs.map((output) => output.name));
    this.#stored = new Set(model.graph.constants.keys());
    const input = batchInput(model.graph);
    this.#batch = input === undefined ? undefined : new BatchNumbers(this.#builder, input);
  }

  run(): Graph {
    for (const node of this.#graph.nodes) this.#visit(node);
    for (const output of this.#outputs) this.#require(output);
    return this.#builder.build();
  }

  #visit(original: Node): void {
    const node = this.#castTo(this.#rename(original));
    if (this.#takeBranch(node)) return;
    const types = this.#builder.learn(node);
    if (this.#evaluate(node, types) || this.#isKnown(node, types) || this.#alias(node, types)) return;
    this.#push(this.#withConstantTarget(this.#plainGather(node), types));
  }

  /** CastLike as a Cast, where the type is known: all the same, but it can be folded. */
  #castTo(node: Node): Node {
    if (node.op !== "CastLike" || node.domain !== "") return node;
    const [source = "", like = ""] = node.inputs;
    const code = dataTypeCode(this.#builder.typeOf(like).dtype);
    return code === undefined
      ? node
      : { ...node, op: "Cast", inputs: [source], attributes: { to: int(code) } };
  }

  /** Adds the node after what it needs. */
  #push(node: Node): void {
    for (const name of neededBy(node)) this.#require(name);
    this.#builder.push(this.#rename(node));
  }

  /** Makes sure that a value left out so far is there. */
  #require(name: string): void {
    const node = this.#pending.get(name);
    if (node === undefined) return;
    this.#pending.delete(name);
    const content = this.#builder.contentOf(name);
    if (content === undefined || !this.#batch) {
      this.#push(node);
      return;
    }
    const made = this.#batch.value(content, this.#builder.typeOf(name));
    if (this.#outputs.has(name)) this.#builder.add("Identity", [made], {}, { outputs: [name] });
    else this.#renamed.set(name, made);
  }

  #rename(node: Node): Node {
    const replace = (name: string): string => this.#renamed.get(name) ?? name;
    if (this.#renamed.size === 0) return node;
    const graphs = Object.entries(node.attributes).some(([, { kind }]) => kind === "graph");
    const inputs = node.inputs.map(replace);
    return { ...node, inputs, attributes: graphs ? this.#renameInside(node) : node.attributes };
  }

  /** Subgraphs read values of the graph around them by name. */
  #renameInside(node: Node): Readonly<Record<string, Attribute>> {
    return Object.fromEntries(
      Object.entries(node.attributes).map(([key, attribute]) => {
        if (attribute.kind !== "graph") return [key, attribute];
        const { value: graph } = attribute;
        const nodes = graph.nodes.map((child) => this.#rename(child));
        const outputs = graph.outputs.map((o) => ({ ...o, name: this.#renamed.get(o.name) ?? o.name }));
        return [key, { kind: "graph", value: { ...graph, nodes, outputs } }];
      }),
    );
  }

  /** Replaces an If whose condition is known by the branch it takes. */
  #takeBranch(node: Node): boolean {
    if (node.op !== "If" || node.domain !== "") return false;
    const condition = this.#builder.contentOf(node.inputs[0] ?? "")?.[0];
    if (typeof condition !== "number") return false;
    const branch = graphAttribute(node, condition === 0 ? "else_branch" : "then_branch");
    if (branch === undefined) return false;
    const names = new Map<string, string>();
    const inside = (name: string): string => names.get(name) ?? name;
    for (const [i, output] of branch.outputs.entries()) {
      const outer = node.outputs[i];
      const made = branch.nodes.some((child) => child.outputs.includes(output.name));
      if (outer && made && !names.has(output.name)) names.set(output.name, outer);
    }
    for (const [name, tensor] of branch.constants) {
      const fresh = this.#builder.fresh(name);
      names.set(name, fresh);
      this.#builder.define(fresh, tensor);
    }
    for (const child of branch.nodes) {
      for (const output of child.outputs) {
        if (output !== "" && !names.has(output)) names.set(output, this.#builder.fresh(output));
      }
      this.#visit(renameAll(child, inside));
    }
    for (const [i, output] of branch.outputs.entries()) {
      const outer = node.outputs[i];
      const inner = inside(output.name);
      if (outer && inner !== outer) this.#visit(identity(inner, outer, node));
    }
    return true;
  }

  /** Computes a node all of whose inputs are constants. */
  #evaluate(node: Node, types: readonly ValueType[]): boolean {
    const inputs = node.inputs.map((name) => (name === "" ? undefined : this.#builder.constantOf(name)));
    if (node.inputs.some((name, i) => name !== "" && inputs[i] === undefined)) return false;
    if ((node.inputs.length === 0 && !GENERATORS.has(node.op)) || RANDOM.test(node.op)) return false;
    const weight = this.#stored.has(node.inputs[0] ?? "") && countOf(inputs[0]?.dims ?? []) > WEIGHT_LIMIT;
    if (node.op === "Transpose" && weight) return false;
    const results =
      node.outputs.length === 1 || node.op === "Split" ? evaluate(node, inputs, types) : undefined;
    if (results === undefined) return false;
    for (const [i, name] of node.outputs.entries()) {
      const tensor = results[i];
      if (tensor && name !== "") this.#builder.define(name, tensor);
    }
    return true;
  }

  /** Leaves a node out whose result is known: a constant, or a function of N that is made when someone needs it. */
  #isKnown(node: Node, types: readonly ValueType[]): boolean {
    const known = node.outputs.map((name, i) => {
      const content = this.#builder.contentOf(name);
      const { dtype, shape } = types[i] ?? {};
      const integer = dtype === "int64" || dtype === "int32";
      if (content === undefined || !isStaticShape(shape) || content.length > CONTENT_LIMIT) return undefined;
      if (content.every(isStatic)) return dtype && { tensor: tensorOf(dtype, shape, content) };
      if (!integer || !this.#batch) return undefined;
      const exact = content.every((d) => d !== null && (isStatic(d) || Number.isInteger(d.scale)));
      return exact ? { tensor: undefined } : undefined;
    });
    if (!known.every((item) => item !== undefined)) return false;
    for (const [i, name] of node.outputs.entries()) {
      const tensor = known[i]?.tensor;
      if (name === "") continue;
      if (tensor) this.#builder.define(name, tensor);
      else this.#pending.set(name, node);
    }
    return true;
  }

  /** Removes a node that hands its input on. */
  #alias(node: Node, types: readonly ValueType[]): boolean {
    const [source = ""] = node.inputs;
    const [name = ""] = node.outputs;
    const constants = node.inputs.map((input) => {
      const tensor = this.#builder.constantOf(input);
      return tensor && countOf(tensor.dims) <= CONTENT_LIMIT ? decode(tensor)?.data : undefined;
    });
    const [type] = types;
    if (type === undefined || !isNoOp(node, this.#builder.typeOf(source), type, constants)) return false;
    // Graph outputs keep their names, so the value would have to take that name where it is made.
    if (this.#outputs.has(name)) return false;
    this.#renamed.set(name, source);
    return true;
  }

  /** A Gather of all elements of a vector in their order (torch's as_strided) is a Reshape. */
  #plainGather(node: Node): Node {
    const [source = "", indices = ""] = node.inputs;
    const shape = this.#builder.shapeOf(source);
    const tensor =
      node.op === "Gather" && shape?.length === 1 ? this.#builder.constantOf(indices) : undefined;
    if (tensor === undefined || node.domain !== "" || shape?.[0] !== countOf(tensor.dims)) return node;
    const inOrder = decode(tensor)?.data.every((index, i) => index === i);
    if (!inOrder) return node;
    return {
      ...node,
      op: "Reshape",
      inputs: [source, this.#builder.ints(tensor.dims, "shape")],
      attributes: {},
    };
  }

  /** Gives Reshape and Expand constant targets where the output's shape is known well enough. */
  #withConstantTarget(node: Node, types: readonly ValueType[]): Node {
    const [source = "", target = ""] = node.inputs;
    const shape = types[0]?.shape;
    if (node.domain !== "" || shape === undefined || this.#builder.constantOf(target)) return node;
    if (node.op === "Reshape") {
      const values = reshapeTarget(shape, this.#builder.shapeOf(source));
      if (values === undefined) return node;
      const { allowzero: _, ...attributes } = node.attributes;
      return { ...node, inputs: [source, this.#builder.ints(values, "shape")], attributes };
    }
    if (node.op === "Expand" && isStaticShape(shape)) {
      return { ...node, inputs: [source, this.#builder.ints(shape, "shape")] };
    }
    return node;
  }
}

/** A constant target for Reshape: numbers, 0 where a dimension is copied, −1 for one that is neither. */
function reshapeTarget(shape: Shape, source: Shape | undefined): readonly number[] | undefined {
  const open = shape.filter((d) => !isStatic(d)).length;
  const target = shape.map((d, i) => (isStatic(d) ? d : open > 1 && sameDim(d, source?.[i]) ? 0 : -1));
  const zero = shape.includes(0);
  return target.filter((d) => d === -1).length > 1 || zero ? undefined : target;
}

function identity(from: string, to: string, like: Node): Node {
  return { op: "Identity", domain: "", name: like.name, inputs: [from], outputs: [to], attributes: {} };
}

function renameAll(node: Node, rename: (name: string) => string): Node {
  const attributes = Object.fromEntries(
    Object.entries(node.attributes).map(([key, attribute]): [string, Attribute] => {
      if (attribute.kind !== "graph") return [key, attribute];
      const { value: graph } = attribute;
      const nodes = graph.nodes.map((child) => renameAll(child, rename));
      const outputs = graph.outputs.map((output) => ({ ...output, name: rename(output.name) }));
      return [key, { kind: "graph", value: { ...graph, nodes, outputs } }];
    }),
  );
  return { ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename), attributes };
}

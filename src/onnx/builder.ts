/**
 * @file Builds graphs a node at a time, with fresh names and with the type of every value known as soon as it is
 * made. Differentiation, rewriting and expansion all write their nodes through it.
 */
import type { Dim, Shape } from "./dim.js";
import type { Attribute, DataType, Graph, Model, Node, Tensor, ValueInfo, ValueType } from "./graph.js";
import { prune } from "./prune.js";
import { tensorOf } from "./shape/array.js";
import { Inference } from "./shape/inference.js";
import { UNKNOWN } from "./shape/rule.js";

/** Opset for graphs made from nothing; prepared models have this or a later one. */
export const CANONICAL_OPSET = 20;

export interface NodeOptions {
  readonly domain?: string;
  /** Name of the node; by default that of its first output. */
  readonly name?: string;
  /** Names of outputs, taken as they are ("" for one nobody wants); fresh ones by default. */
  readonly outputs?: readonly string[];
  /** What a fresh name starts with; the operator by default. */
  readonly hint?: string;
  readonly scope?: string;
}

export type Attributes = Readonly<Record<string, Attribute>>;

/** Constants with more bytes than this are not searched for an equal one. */
const SMALL = 128;

export class GraphBuilder {
  readonly opset: number;
  readonly #name: string;
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: readonly ValueInfo[];
  readonly #nodes: Node[] = [];
  readonly #constants = new Map<string, Tensor>();
  readonly #known = new Map<string, string>();
  /** Small constants not yet in `#known`: keys are made when the first search needs them. */
  #unkeyed: string[] = [];
  readonly #names = new Set<string>();
  readonly #counts = new Map<string, number>();
  readonly #inference: Inference;

  private constructor(name: string, opset: number, outputs: readonly ValueInfo[]) {
    this.#name = name;
    this.opset = opset;
    this.#outputs = outputs;
    this.#inference = new Inference(opset);
  }

  static empty(name = "graph", opset = CANONICAL_OPSET): GraphBuilder {
    return new GraphBuilder(name, opset, []);
  }

  /** Everything of the model's graph, to be added to. */
  static extending(model: Model): GraphBuilder {
    const builder = GraphBuilder.rebuilding(model);
    for (const node of model.graph.nodes) builder.push(node);
    return builder;
  }

  /** Inputs and constants of the model's graph, whose nodes the caller will push or replace in order. */
  static rebuilding(model: Model): GraphBuilder {
    const { graph } = model;
    const builder = new GraphBuilder(graph.name, model.opsets.get("") ?? CANONICAL_OPSET, graph.outputs);
    for (const input of graph.inputs) builder.input(input);
    for (const [name, tensor] of graph.constants) builder.define(name, tensor);
    // Names of the old nodes are taken, so that no fresh one collides with a node yet to be pushed.
    for (const node of graph.nodes) for (const name of node.outputs) builder.#names.add(name);
    return builder;
  }

  /** Declares an input of the graph. */
  input(info: ValueInfo): string {
    this.#inputs.push(info);
    this.#names.add(info.name);
    this.#inference.defineInput(info);
    return info.name;
  }

  /** Adds a node and gives the name of its first output. */
  add(op: string, inputs: readonly string[], attributes: Attributes = {}, options: NodeOptions = {}): string {
    return this.addMany(op, inputs, 1, attributes, options)[0] ?? "";
  }

  /** Adds a node with several outputs and gives their names. */
  addMany(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): readonly string[] {
    const { domain = "", hint = op, scope } = options;
    const outputs = options.outputs ?? Array.from({ length: count }, () => this.fresh(hint));
    const name = options.name ?? outputs.find((output) => output !== "") ?? "";
    this.push({ op, domain, name, inputs, outputs, attributes, ...(scope === undefined ? {} : { scope }) });
    return outputs;
  }

  /** Adds a node as it is; its inputs must be there already. */
  push(node: Node): void {
    for (const name of node.outputs) this.#names.add(name);
    this.#nodes.push(node);
    this.#inference.visit(node);
  }

  /**
   * Learns what the node's outputs are without adding it, for a caller that may do without it (and pushes it
   * later if not).
   */
  learn(node: Node): readonly ValueType[] {
    return this.#inference.visit(node);
  }

  /** Adds a constant; a small one that equals an earlier one is not added again. */
  constant(tensor: Tensor, hint = "constant"): string {
    const known = isSmall(tensor) ? this.#knownAs(tensor) : undefined;
    if (known !== undefined) return known;
    const name = this.fresh(hint);
    this.define(name, tensor);
    return name;
  }

  /** Gives a constant the name it must have. */
  define(name: string, tensor: Tensor): void {
    this.#names.add(name);
    this.#constants.set(name, tensor);
    this.#inference.defineConstant(name, tensor);
    if (isSmall(tensor)) this.#unkeyed.push(name);
  }

  /** A one-dimensional int64 constant: axes, sizes, a shape. */
  ints(values: readonly number[], hint = "ints"): string {
    return this.constant(tensorOf("int64", [values.length], values), hint);
  }

  /** An int64 scalar. */
  int(value: number, hint = "int"): string {
    return this.constant(tensorOf("int64", [], [value]), hint);
  }

  /** A floating-point scalar. */
  float(value: number, dtype: DataType = "float32", hint = "float"): string {
    return this.constant(tensorOf(dtype, [], [value]), hint);
  }

  /** The type of a value; of unknown type and shape where nothing could be inferred. */
  typeOf(name: string): ValueType {
    return this.#inference.type(name) ?? UNKNOWN;
  }

  shapeOf(name: string): Shape | undefined {
    return this.typeOf(name).shape;
  }

  /** What a small integer tensor holds, symbolic in the batch. */
  contentOf(name: string): readonly Dim[] | undefined {
    return this.#inference.ints(name);
  }

  constantOf(name: string): Tensor | undefined {
    return this.#constants.get(name);
  }

  /** A name that no value has yet. */
  fresh(hint: string): string {
    let name = hint;
    let count = this.#counts.get(hint) ?? 0;
    while (name === "" || this.#names.has(name)) name = `${hint}_${++count}`;
    this.#counts.set(hint, count);
    this.#names.add(name);
    return name;
  }

  /** The graph of what the named outputs need; by default the outputs of the graph it was started from. */
  build(outputs?: readonly string[]): Graph {
    const names = outputs ?? this.#outputs.map((output) => output.name);
    return prune({
      name: this.#name,
      inputs: [...this.#inputs],
      outputs: names.map((name) => ({ name, ...this.#declared(name) })),
      nodes: [...this.#nodes],
      constants: new Map(this.#constants),
      types: new Map(this.#inference.types),
    });
  }

  /** The name of a constant equal to this one. */
  #knownAs(tensor: Tensor): string | undefined {
    for (const name of this.#unkeyed) {
      const other = this.#constants.get(name);
      const key = other && keyOf(other);
      if (key !== undefined && !this.#known.has(key)) this.#known.set(key, name);
    }
    this.#unkeyed = [];
    return this.#known.get(keyOf(tensor));
  }

  /** What was inferred, or else what the file declared for the output. */
  #declared(name: string): ValueType {
    const { dtype, shape } = this.typeOf(name);
    const declared = this.#outputs.find((output) => output.name === name);
    return {
      dtype: dtype === "other" ? (declared?.dtype ?? dtype) : dtype,
      shape: shape ?? declared?.shape,
    };
  }
}

const isSmall = ({ bytes, strings }: Tensor): boolean => bytes.byteLength <= SMALL && !strings;

const keyOf = ({ dtype, dims, bytes }: Tensor): string => `${dtype}:${dims.join()}:${bytes.join()}`;

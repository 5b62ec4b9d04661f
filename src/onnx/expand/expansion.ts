/**
 * @file What an expansion is: a function that writes a fused node as primitives, or says that it does not know
 * this variant. Such a node stays as it is: the runtime still runs it, only no gradient passes through.
 */
import type { Attributes, GraphBuilder, NodeOptions } from "../builder.js";
import { isStatic, type Shape } from "../dim.js";
import type { Node } from "../graph.js";

/** Writes the node's outputs through the writer; false: nothing was written, the node has to stay. */
export type Expansion = (node: Node, to: Writer) => boolean;

export type ExpansionTable = Readonly<Record<string, Expansion>>;

/** Adds nodes in the scope of the node they stand for. */
export class Writer {
  readonly graph: GraphBuilder;
  readonly #scope: string | undefined;
  readonly #hint: string;

  constructor(graph: GraphBuilder, node: Node) {
    this.graph = graph;
    this.#scope = node.scope;
    this.#hint = node.name || (node.outputs[0] ?? node.op);
  }

  /** Adds a node and gives its output, named `output` if that is given and not "". */
  add(op: string, inputs: readonly string[], attributes: Attributes = {}, output?: string): string {
    return this.graph.add(op, inputs, attributes, this.#options(op, output ? [output] : undefined));
  }

  addMany(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: Attributes = {},
  ): readonly string[] {
    return this.graph.addMany(op, inputs, count, attributes, this.#options(op));
  }

  /** Adds a node with these outputs ("" for one that is not wanted). */
  addNamed(op: string, inputs: readonly string[], attributes: Attributes, outputs: readonly string[]): void {
    this.graph.addMany(op, inputs, outputs.length, attributes, this.#options(op, outputs));
  }

  shape(name: string): Shape | undefined {
    return name === "" ? undefined : this.graph.shapeOf(name);
  }

  /** A dimension counted from the front or (negative) from the end, where it is a number. */
  size(name: string, axis: number): number | undefined {
    const d = this.shape(name)?.at(axis);
    return isStatic(d) ? d : undefined;
  }

  scalar(value: number, like: string): string {
    const { dtype } = this.graph.typeOf(like);
    return this.graph.float(value, dtype === "other" ? "float32" : dtype);
  }

  #options(op: string, outputs?: readonly string[]): NodeOptions {
    return {
      hint: `${this.#hint}/${op}`,
      ...(this.#scope === undefined ? {} : { scope: this.#scope }),
      ...(outputs === undefined ? {} : { outputs }),
    };
  }
}

/** Input name, "" where it is absent. */
export const input = (node: Node, index: number): string => node.inputs[index] ?? "";

/** True where any of these outputs is asked for. */
export const wants = (node: Node, ...outputs: readonly number[]): boolean =>
  outputs.some((index) => Boolean(node.outputs[index]));

/** True where any of these inputs is given. */
export const has = (node: Node, ...inputs: readonly number[]): boolean =>
  inputs.some((index) => Boolean(node.inputs[index]));

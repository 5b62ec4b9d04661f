/** @file Looking backwards through a graph for patterns: who makes a value, how many read it, what constant it is. */
import type { Shape } from "../dim.js";
import type { Graph, Node, Tensor } from "../graph.js";
import { neededBy } from "../order.js";
import { decode } from "../shape/array.js";
import { elementCount } from "../tensor.js";

export class Lookup {
  readonly graph: Graph;
  readonly #makers = new Map<string, Node>();
  readonly #uses = new Map<string, Node[]>();
  readonly #outputs: ReadonlySet<string>;

  constructor(graph: Graph) {
    this.graph = graph;
    this.#outputs = new Set(graph.outputs.map((output) => output.name));
    for (const node of graph.nodes) {
      for (const name of node.outputs) this.#makers.set(name, node);
      for (const name of neededBy(node)) {
        const users = this.#uses.get(name);
        if (users) users.push(node);
        else this.#uses.set(name, [node]);
      }
    }
  }

  /** The node that makes the value, if it is this operator of ai.onnx. */
  maker(name: string | undefined, ...ops: readonly string[]): Node | undefined {
    const node = name === undefined ? undefined : this.#makers.get(name);
    return node?.domain === "" && ops.includes(node.op) ? node : undefined;
  }

  /** The only node that reads the value, if there is just one and the value is no output of the graph. */
  onlyUser(name: string | undefined): Node | undefined {
    const users = name === undefined ? undefined : this.#uses.get(name);
    if (users?.length !== 1 || this.#outputs.has(name ?? "")) return undefined;
    return users[0];
  }

  constant(name: string | undefined): Tensor | undefined {
    return name === undefined ? undefined : this.graph.constants.get(name);
  }

  /** The number that a constant of one element holds. */
  scalar(name: string | undefined): number | undefined {
    const tensor = this.constant(name);
    return tensor && elementCount(tensor.dims) === 1 ? decode(tensor)?.data[0] : undefined;
  }

  /** Of a commutative node's two inputs: the constant scalar, and the other one. */
  withScalar(node: Node | undefined): { readonly value: number; readonly other: string } | undefined {
    const [a, b] = node?.inputs ?? [];
    if (a === undefined || b === undefined) return undefined;
    const right = this.scalar(b);
    if (right !== undefined) return { value: right, other: a };
    const left = this.scalar(a);
    return left === undefined ? undefined : { value: left, other: b };
  }

  shape(name: string | undefined): Shape | undefined {
    return name === undefined ? undefined : this.graph.types.get(name)?.shape;
  }
}

/** Near enough for a constant that went through float16. */
export const close = (a: number | undefined, b: number): boolean =>
  a !== undefined && Math.abs(a - b) <= 5e-4 * Math.abs(b);

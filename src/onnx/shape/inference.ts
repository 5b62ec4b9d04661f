/**
 * @file Inference along a graph: types and small contents of all values seen so far. Passes that build or walk a
 * graph in order keep one and show it each node.
 */
import { graphAttribute } from "../attributes.js";
import { sameDim } from "../dim.js";
import type { Graph, Node, Tensor, ValueInfo, ValueType } from "../graph.js";
import { type Content, contentOf, inferContent } from "./content.js";
import { inferNode } from "./infer.js";
import { type InferContext, UNKNOWN } from "./rule.js";

export class Inference implements InferContext {
  readonly opset: number;
  readonly #types = new Map<string, ValueType>();
  readonly #contents = new Map<string, Content | undefined>();
  readonly #constants = new Map<string, Tensor>();
  /** Values of the graph around, for the body of an If. */
  readonly #outer: InferContext | undefined;

  constructor(opset: number, outer?: InferContext) {
    this.opset = opset;
    this.#outer = outer;
  }

  get types(): ReadonlyMap<string, ValueType> {
    return this.#types;
  }

  type(name: string): ValueType | undefined {
    return this.#types.get(name) ?? this.#outer?.type(name);
  }

  constant(name: string): Tensor | undefined {
    return this.#constants.get(name) ?? this.#outer?.constant(name);
  }

  ints(name: string): Content | undefined {
    if (this.#contents.has(name)) return this.#contents.get(name);
    const tensor = this.#constants.get(name);
    if (tensor === undefined) return this.#outer?.ints(name);
    const content = contentOf(tensor);
    this.#contents.set(name, content);
    return content;
  }

  defineInput(info: ValueInfo): void {
    this.#types.set(info.name, { dtype: info.dtype, shape: info.shape });
  }

  defineConstant(name: string, tensor: Tensor): void {
    this.#constants.set(name, tensor);
    this.#types.set(name, { dtype: tensor.dtype, shape: tensor.dims });
  }

  /** Inputs and constants of a graph. */
  enter(graph: Graph): void {
    for (const input of graph.inputs) this.defineInput(input);
    for (const [name, tensor] of graph.constants) this.defineConstant(name, tensor);
  }

  /** Learns the outputs of the node; nodes are shown in topological order. */
  visit(node: Node): readonly ValueType[] {
    const types = node.op === "If" && node.domain === "" ? this.#branches(node) : inferNode(node, this);
    const contents = inferContent(node, types, this);
    for (const [i, name] of node.outputs.entries()) {
      if (name === "") continue;
      this.#types.set(name, types[i] ?? UNKNOWN);
      if (contents[i]) this.#contents.set(name, contents[i]);
    }
    return types;
  }

  /** An If has the type on which both branches agree, or that of the branch which is known to be taken. */
  #branches(node: Node): readonly ValueType[] {
    const condition = this.ints(node.inputs[0] ?? "")?.[0];
    const [yes, no] = ["then_branch", "else_branch"].map((name) => {
      const graph = graphAttribute(node, name);
      if (graph === undefined) return [];
      const inner = new Inference(this.opset, this);
      inner.enter(graph);
      for (const child of graph.nodes) inner.visit(child);
      return graph.outputs.map((output) => inner.type(output.name) ?? UNKNOWN);
    });
    return node.outputs.map((_, i) => {
      const a = yes?.[i] ?? UNKNOWN;
      const b = no?.[i] ?? UNKNOWN;
      if (typeof condition === "number") return condition === 0 ? b : a;
      const ranks = a.shape && b.shape && a.shape.length === b.shape.length;
      return {
        dtype: a.dtype,
        shape: ranks ? a.shape?.map((d, j) => (sameDim(d, b.shape?.[j]) ? d : null)) : undefined,
      };
    });
  }
}

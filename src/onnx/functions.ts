/**
 * @file Replaces calls of model-local functions by their bodies. torch's first ONNX exporters on torch.export
 * made a function of every module and every ATen operator, nested; the rest of Vitreous knows plain graphs only.
 * Semantics: https://github.com/onnx/onnx/blob/main/docs/IR.md#functions
 */
import { VitreousError } from "./errors.js";
import type { Attribute, Graph, LocalFunction, Model, Node, Tensor, ValueInfo } from "./graph.js";
import { orderNodes } from "./order.js";
import { constantValue, isConstantNode } from "./reading/constant-node.js";
import { checkMainGraph } from "./reading/graph.js";

/** Functions that call functions may double their size at each level; no real model comes near these. */
const MAX_NODES = 100_000;
const MAX_DEPTH = 200;

/** What names and attributes mean where nodes are being copied from. */
interface Frame {
  readonly rename: (name: string) => string;
  /** The values of the function's attributes; undefined in the main graph. */
  readonly attributes: Readonly<Record<string, Attribute>> | undefined;
  /** Names of the calls that led here, and "" in the main graph. */
  readonly path: string;
  readonly scope: string | undefined;
  readonly calls: readonly string[];
}

/** Where nodes are being copied to. */
interface Target {
  readonly nodes: Node[];
  readonly constants: Map<string, Tensor>;
}

const keyOf = (domain: string, name: string, overload: string | undefined): string =>
  `${domain}::${name}::${overload ?? ""}`;

class Inliner {
  readonly #functions: ReadonlyMap<string, LocalFunction>;
  readonly #values = new Set<string>();
  readonly #nodeNames = new Set<string>();
  #count = 0;

  constructor(model: Model) {
    this.#functions = new Map(model.functions.map((f) => [keyOf(f.domain, f.name, f.overload), f]));
    this.#reserve(model.graph);
  }

  #reserve(graph: Graph): void {
    for (const { name } of graph.inputs) this.#values.add(name);
    for (const name of graph.constants.keys()) this.#values.add(name);
    for (const node of graph.nodes) {
      this.#nodeNames.add(node.name);
      for (const name of node.outputs) this.#values.add(name);
      for (const attribute of Object.values(node.attributes)) {
        if (attribute.kind === "graph") this.#reserve(attribute.value);
      }
    }
  }

  graph(graph: Graph, frame: Frame): Graph {
    const target: Target = { nodes: [], constants: new Map() };
    for (const [name, tensor] of graph.constants) target.constants.set(frame.rename(name), tensor);
    for (const node of graph.nodes) this.#copy(node, frame, target);
    const renamed = (info: ValueInfo): ValueInfo => ({ ...info, name: frame.rename(info.name) });
    return {
      name: graph.name,
      inputs: graph.inputs.map(renamed),
      outputs: graph.outputs.map(renamed),
      nodes: orderNodes(target.nodes),
      constants: target.constants,
      types: new Map(),
    };
  }

  /** The attribute as it is where the node is copied to; undefined for one the caller did not give. */
  #attribute(attribute: Attribute, frame: Frame): Attribute | undefined {
    if (attribute.kind === "graph") return { kind: "graph", value: this.graph(attribute.value, frame) };
    if (attribute.kind !== "reference") return attribute;
    return frame.attributes !== undefined && Object.hasOwn(frame.attributes, attribute.value)
      ? frame.attributes[attribute.value]
      : undefined;
  }

  #copy(node: Node, frame: Frame, target: Target): void {
    if (++this.#count > MAX_NODES) {
      throw new VitreousError(`The model's functions expand to more than ${MAX_NODES} nodes: it is damaged.`);
    }
    const attributes: [string, Attribute][] = [];
    for (const [name, attribute] of Object.entries(node.attributes)) {
      const value = this.#attribute(attribute, frame);
      if (value !== undefined) attributes.push([name, value]);
    }
    const scope = node.scope ?? frame.scope;
    const { overload, scope: _, ...rest } = node;
    const copy: Node = {
      ...rest,
      name: frame.path === "" ? node.name : unused(`${frame.path}/${node.name}`, this.#nodeNames),
      inputs: node.inputs.map((name) => (name === "" ? "" : frame.rename(name))),
      outputs: node.outputs.map((name) => (name === "" ? "" : frame.rename(name))),
      attributes: Object.fromEntries(attributes),
      ...(scope === undefined ? {} : { scope }),
    };
    const key = keyOf(node.domain, node.op, overload);
    const called = this.#functions.get(key);
    if (called !== undefined) this.#call(called, key, copy, frame, target);
    else if (isConstantNode(copy) && copy.outputs[0])
      target.constants.set(copy.outputs[0], constantValue(copy));
    else target.nodes.push(copy);
  }

  #call(called: LocalFunction, key: string, node: Node, frame: Frame, target: Target): void {
    if (frame.calls.includes(key)) {
      throw new VitreousError(
        `The model's function "${called.name}" calls itself: it is damaged. Export it again.`,
      );
    }
    if (frame.calls.length >= MAX_DEPTH) {
      throw new VitreousError(`The model's functions are nested deeper than ${MAX_DEPTH} levels.`);
    }
    const names = new Map<string, string>([["", ""]]);
    for (const [i, name] of called.inputs.entries()) names.set(name, node.inputs[i] ?? "");
    called.outputs.forEach((name, i) => {
      const actual = node.outputs[i] ?? "";
      // An output that is an input (or another output) of the function gets a node of its own below.
      if (actual !== "" && !names.has(name)) names.set(name, actual);
    });
    const rename = (name: string): string => {
      const known = names.get(name);
      if (known !== undefined) return known;
      const fresh = unused(`${node.name}/${name}`, this.#values);
      names.set(name, fresh);
      return fresh;
    };
    const inner: Frame = {
      rename,
      attributes: { ...called.defaults, ...node.attributes },
      path: node.name,
      scope: node.scope,
      calls: [...frame.calls, key],
    };
    for (const bodyNode of called.nodes) this.#copy(bodyNode, inner, target);
    called.outputs.forEach((name, i) => {
      const actual = node.outputs[i] ?? "";
      if (actual === "" || rename(name) === actual) return;
      target.nodes.push({
        op: "Identity",
        domain: "",
        name: unused(`${node.name}/Identity`, this.#nodeNames),
        inputs: [rename(name)],
        outputs: [actual],
        attributes: {},
        ...(node.scope === undefined ? {} : { scope: node.scope }),
      });
    });
  }
}

/** The name, or the name with the first number that makes it new; taken from now on. */
function unused(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let n = 2; taken.has(name); n++) name = `${wanted}_${n}`;
  taken.add(name);
  return name;
}

/**
 * The same model without local functions. Values and nodes of a body are named `<call>/<name>`; nodes without a
 * scope get that of the call. Operator sets that only functions import are added to the model's; where both
 * import one in different versions the model's counts, since ONNX demands that the body's operators are the same
 * in both. Throws VitreousError for recursion.
 */
export function inlineFunctions(model: Model): Model {
  if (model.functions.length === 0) return model;
  const main: Frame = {
    rename: (name) => name,
    attributes: undefined,
    path: "",
    scope: undefined,
    calls: [],
  };
  const graph = new Inliner(model).graph(model.graph, main);
  checkMainGraph(graph);
  const opsets = new Map(model.opsets);
  for (const f of model.functions) {
    for (const [domain, version] of f.opsets) if (!opsets.has(domain)) opsets.set(domain, version);
  }
  return { ...model, opsets, graph, functions: [] };
}

/**
 * @file The residual stream around an attention: the Add that closes the attention branch, the Add that closes the
 * MLP branch, and the norms of each. Found by who adds what to whom, so names and order of norms do not matter.
 */
import type { Graph, Node } from "../onnx/graph.js";
import type { AttentionSite } from "./attention.js";
import { ancestors, descendants, isNorm, rootOf, type Topology } from "./topology.js";

export interface Residual {
  /** What the attention branch is added to. */
  readonly input: string;
  /** The norm of the attention branch: before it (pre-norm) or at its end (SwinV2, BERT). */
  readonly norm1?: Node;
  readonly norm2?: Node;
  /** After the attention branch is added. */
  readonly middle: string;
  /** After the MLP branch is added; `middle` where there is no MLP. */
  readonly output: string;
}

interface Closing {
  readonly node: Node;
  /** The operand that is passed on. */
  readonly stream: string;
  /** The operand that the branch computed. */
  readonly branch: string;
}

const outputOf = (node: Node): string => node.outputs[0] ?? "";

/** Undefined where no Add closes the branch (no residual connection, or one of another kind). */
export function residualOf(
  graph: Graph,
  topology: Topology,
  site: AttentionSite,
  next: AttentionSite | undefined,
): Residual | undefined {
  const mixed = outputOf(site.mix);
  const before = ancestors(topology, mixed);
  const behind = descendants(topology, mixed);
  const attention = closingAdd(
    graph,
    (name) => behind.has(name),
    (name) => before.has(rootOf(topology, name)) && topology.activations.has(name),
  );
  if (attention === undefined) return undefined;
  const middle = outputOf(attention.node);
  const stream = rootOf(topology, attention.stream);
  const norm1 =
    normOf(graph, topology, stream, before) ?? branchNorm(graph, topology, mixed, attention.branch);

  const afterNext = next === undefined ? undefined : descendants(topology, outputOf(next.mix));
  const middleRoot = rootOf(topology, middle);
  const mlp = closingAdd(
    graph,
    (name) => topology.activations.has(name) && afterNext?.has(name) !== true,
    (name) => rootOf(topology, name) === middleRoot,
  );
  const postNorm = normFedBy(graph, topology, middleRoot);
  if (mlp === undefined) return withoutMlp(graph, topology, attention, norm1, postNorm);
  const mlpBefore = ancestors(topology, mlp.branch);
  const norm2 =
    normOf(graph, topology, middleRoot, mlpBefore) ?? branchNorm(graph, topology, middle, mlp.branch);
  return {
    input: attention.stream,
    middle,
    output: outputOf(mlp.node),
    ...(norm1 === undefined ? {} : { norm1 }),
    ...(norm2 === undefined ? {} : { norm2 }),
  };
}

/** x ← norm(x + branch(x)): the stream itself is normalised, and the next Add takes the norm's output. */
function withoutMlp(
  graph: Graph,
  topology: Topology,
  attention: Closing,
  norm1: Node | undefined,
  postNorm: Node | undefined,
): Residual {
  const middle = outputOf(attention.node);
  const plain = { input: attention.stream, middle, output: middle };
  if (norm1 !== undefined || postNorm === undefined) {
    return norm1 === undefined ? plain : { ...plain, norm1 };
  }
  const normed = outputOf(postNorm);
  const mlp = closingAdd(
    graph,
    (name) => topology.activations.has(name) && rootOf(topology, name) !== normed,
    (name) => rootOf(topology, name) === normed,
  );
  const last = mlp === undefined ? undefined : normFedBy(graph, topology, outputOf(mlp.node));
  return {
    ...plain,
    norm1: postNorm,
    output: outputOf(last ?? mlp?.node ?? postNorm),
    ...(last === undefined ? {} : { norm2: last }),
  };
}

/** The first Add (in the graph's order) of a branch to a stream. */
function closingAdd(
  graph: Graph,
  isBranch: (name: string) => boolean,
  isStream: (name: string) => boolean,
): Closing | undefined {
  for (const node of graph.nodes) {
    if (node.op !== "Add" && node.op !== "Sum") continue;
    const [a = "", b = ""] = node.inputs;
    if (isStream(a) && isBranch(b) && !isStream(b)) return { node, stream: a, branch: b };
    if (isStream(b) && isBranch(a) && !isStream(a)) return { node, stream: b, branch: a };
  }
  return undefined;
}

/** The norm that reads the stream at the entry of a branch. */
function normOf(
  graph: Graph,
  topology: Topology,
  stream: string,
  branch: ReadonlySet<string>,
): Node | undefined {
  return graph.nodes.find(
    (n) => isNorm(n) && rootOf(topology, n.inputs[0] ?? "") === stream && branch.has(outputOf(n)),
  );
}

/** The last norm between the start of a branch and its end. */
function branchNorm(graph: Graph, topology: Topology, start: string, end: string): Node | undefined {
  const behind = descendants(topology, start);
  const before = ancestors(topology, end);
  return graph.nodes.findLast((n) => isNorm(n) && behind.has(n.inputs[0] ?? "") && before.has(outputOf(n)));
}

/** The norm that directly reads a value. */
export function normFedBy(graph: Graph, topology: Topology, root: string): Node | undefined {
  return graph.nodes.find((n) => isNorm(n) && rootOf(topology, n.inputs[0] ?? "") === root);
}

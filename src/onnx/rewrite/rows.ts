/**
 * @file Computes of every value only what is needed. A classifier with a class token reads one row of its last
 * block: of that block's queries, attention, projection, MLP and norms only this row is needed, while keys and
 * values are needed for all tokens. In the gradient the same rows are all that is not zero. Two analyses find out,
 * over all operators at once: backwards which boxes of a value are needed, forwards outside which box it is zero;
 * then every node is written anew on the parts that are left.
 */
import { GraphBuilder } from "../builder.js";
import type { Graph, Model, Node } from "../graph.js";
import { neededBy } from "../order.js";
import { type Box, cover, intersect, isWhole, type Region, round, sameBox, whole } from "./box.js";
import { learn } from "./known.js";
import { rebuilt } from "./model.js";
import { Parts } from "./parts.js";
import type { Known, Plan } from "./rule.js";
import { ruleOf } from "./rules.js";

/** Plans for one output, or for several that are made together. */
interface OutputPlans {
  readonly outputs: readonly number[];
  readonly plans: readonly Plan[];
}

/** "all": the node stays as it is. */
type NodePlan = "all" | readonly OutputPlans[];

/** The part of a value that is asked of whoever makes it when a consumer reads `read`. */
function request(name: string, read: Box, known: Known): Box {
  const shape = known.shape(name);
  const support = known.support(name);
  if (shape === undefined) return read;
  // Where nothing but zeros is read they are computed, since there is no operand to leave out.
  const nonzero = support === null ? undefined : intersect(read, support);
  if (support === null || nonzero === undefined) return read;
  return intersect(round(nonzero, shape), support) ?? read;
}

/** Plans that together cover a region, or undefined where the operator cannot be done in parts. */
function planRegion(node: Node, output: number, region: Region, known: Known): readonly Plan[] | undefined {
  const rule = ruleOf(node);
  const shape = known.shape(node.outputs[output] ?? "");
  if (rule?.part === undefined || shape === undefined) return undefined;
  let wanted = region;
  // A plan may compute more than it was asked for, so that two become one; each round has fewer or larger boxes.
  for (let attempt = 0; attempt < 8; attempt++) {
    const plans: Plan[] = [];
    for (const box of wanted) {
      const plan = rule.part(node, box, known, output);
      if (plan === undefined) return undefined;
      plans.push(plan);
    }
    const computed = plans.reduce<Region>((boxes, plan) => cover(boxes, plan.box, shape), []);
    const settled =
      computed.length === plans.length && plans.every((p, i) => sameBox(p.box, computed[i] ?? []));
    if (settled) return plans;
    wanted = computed;
  }
  return undefined;
}

/** Whether the plan is the node as it stands. */
function isUnchanged(node: Node, plan: Plan): boolean {
  return (
    isWhole(plan.box) &&
    node.inputs.every((name, i) => name === "" || (plan.reads[i] ? isWhole(plan.reads[i]) : false))
  );
}

/** Which outputs of a node are planned together, and what is wanted of them. */
function wantedOf(
  node: Node,
  live: readonly number[],
  demands: ReadonlyMap<string, Region>,
  known: Known,
): readonly { readonly outputs: readonly number[]; readonly region: Region }[] | undefined {
  const regionOf = (output: number): Region => demands.get(node.outputs[output] ?? "") ?? [];
  if (isSeparable(node)) return live.map((output) => ({ outputs: [output], region: regionOf(output) }));
  if (live.length === 1 && live[0] === 0) return [{ outputs: [0], region: regionOf(0) }];
  const shape = known.shape(node.outputs[0] ?? "");
  if (
    !ruleOf(node)?.joint ||
    live.some((i) => known.shape(node.outputs[i] ?? "")?.length !== shape?.length)
  ) {
    return undefined;
  }
  const region = live.flatMap(regionOf).reduce<Region>((boxes, box) => cover(boxes, box, shape), []);
  return [{ outputs: live, region }];
}

/** Each output of a Split can be made alone. */
const isSeparable = (node: Node): boolean => node.op === "Split" && node.domain === "";

function planNode(node: Node, demands: ReadonlyMap<string, Region>, known: Known): NodePlan | undefined {
  const live = node.outputs.flatMap((name, i) => (name !== "" && demands.has(name) ? [i] : []));
  if (live.length === 0) return undefined;
  const wanted = wantedOf(node, live, demands, known);
  if (wanted === undefined) return "all";
  const planned: OutputPlans[] = [];
  for (const { outputs, region } of wanted) {
    const plans = planRegion(node, outputs[0] ?? 0, region, known);
    if (plans === undefined) return "all";
    planned.push({ outputs, plans });
  }
  const separable = isSeparable(node);
  const stays = planned.every(({ plans: [first, ...more] }) => {
    return (
      first !== undefined && more.length === 0 && (separable ? isWhole(first.box) : isUnchanged(node, first))
    );
  });
  return stays && (!separable || live.length === node.outputs.length) ? "all" : planned;
}

/** Walks the nodes backwards and plans each, from what its consumers read of it. */
function planGraph(graph: Graph, roots: ReadonlySet<string>, known: Known): ReadonlyMap<Node, NodePlan> {
  const demands = new Map<string, Region>();
  const demand = (name: string, box: Box): void => {
    const region = cover(demands.get(name) ?? [], request(name, box, known), known.shape(name));
    demands.set(name, region);
  };
  const demandWhole = (name: string): void => demand(name, whole(known.shape(name)));
  for (const name of roots) demandWhole(name);
  const plans = new Map<Node, NodePlan>();
  for (const node of graph.nodes.toReversed()) {
    const planned = planNode(node, demands, known);
    if (planned === undefined) continue;
    plans.set(node, planned);
    if (planned === "all") {
      for (const name of neededBy(node)) demandWhole(name);
      continue;
    }
    for (const { reads } of planned.flatMap(({ plans: all }) => all)) {
      for (const [i, read] of reads.entries()) {
        const name = node.inputs[i] ?? "";
        if (read !== null && name !== "") demand(name, read);
      }
    }
  }
  return plans;
}

/** Writes one part of a node's outputs. */
function writePart(
  node: Node,
  outputs: readonly number[],
  part: Plan,
  parts: Parts,
  builder: GraphBuilder,
): void {
  const values = outputs.map((output) => node.outputs[output] ?? "");
  const [value = ""] = values;
  const complete = isWhole(part.box);
  const inputs = node.inputs.map((name, i) => {
    const read = part.reads[i] ?? null;
    if (name === "" || read === null) return "";
    return parts.read(name, read, part.alias === i && complete ? value : undefined);
  });
  if (part.alias !== undefined) {
    parts.add(value, part.box, inputs[part.alias] ?? "");
  } else if (part.emit) {
    const scope = node.scope === undefined ? {} : { scope: node.scope };
    const naming = complete ? { outputs: [value] } : { hint: value };
    parts.add(value, part.box, part.emit(builder, inputs, { ...naming, ...scope }));
  } else {
    const names = node.outputs.map((name) =>
      !values.includes(name) || complete ? name : builder.fresh(name),
    );
    const made = names.map((name, i) => (outputs.includes(i) ? name : ""));
    while (made.at(-1) === "") made.pop();
    builder.push({
      ...node,
      name: complete ? node.name : (made[outputs[0] ?? 0] ?? ""),
      inputs,
      outputs: made,
    });
    for (const [i, name] of values.entries()) parts.add(name, part.box, made[outputs[i] ?? 0] ?? "");
  }
}

/** Names that a node's subgraphs read; they read them by name. */
const capturedBy = (node: Node): readonly string[] => neededBy({ ...node, inputs: [] });

/** Writes a node as it stands, on whole inputs. */
function writeWhole(node: Node, parts: Parts, builder: GraphBuilder, known: Known): void {
  const inputs = node.inputs.map((name) => name && parts.read(name, whole(known.shape(name))));
  for (const name of capturedBy(node)) parts.settle(name);
  builder.push({ ...node, inputs });
  for (const name of node.outputs) if (name !== "") parts.add(name, whole(known.shape(name)), name);
}

/**
 * Rewrites the model so that every node computes only what its consumers need and what may differ from zero. Graph
 * outputs and the values named in `keep` stay, whole and by name.
 */
export function computeNeededRows(model: Model, keep: readonly string[] = []): Model {
  const { graph } = model;
  const known = learn(model);
  const roots = new Set([...graph.outputs.map((output) => output.name), ...keep]);
  const plans = planGraph(graph, roots, known);
  const builder = GraphBuilder.rebuilding(model);
  const parts = new Parts(builder, known);
  for (const node of graph.nodes) {
    const planned = plans.get(node);
    if (planned === undefined) continue;
    if (planned === "all") {
      writeWhole(node, parts, builder, known);
      continue;
    }
    for (const { outputs, plans: all } of planned) {
      for (const part of all) writePart(node, outputs, part, parts, builder);
    }
    for (const name of node.outputs) if (roots.has(name)) parts.settle(name);
  }
  return rebuilt(model, builder, keep);
}

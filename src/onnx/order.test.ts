import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Graph, Node } from "./graph.js";
import { neededBy, orderNodes, outerNames } from "./order.js";

const node = (name: string, inputs: string[], attributes: Node["attributes"] = {}): Node => ({
  op: "Op",
  domain: "",
  name,
  inputs,
  outputs: [name],
  attributes,
});

const subgraph: Graph = {
  name: "s",
  inputs: [{ name: "own", dtype: "float32", shape: [] }],
  outputs: [{ name: "z", dtype: "float32", shape: [] }],
  nodes: [node("z", ["own", "k", "outer", ""])],
  constants: new Map([["k", { dtype: "bool", dims: [], bytes: Uint8Array.of(1) }]]),
  types: new Map(),
};

describe("orderNodes", () => {
  it("orders any shuffled graph, and leaves an ordered one as it is", () => {
    const graph = fc
      .array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 30 })
      .map((needs) => needs.map((list, i) => node(`n${i}`, i === 0 ? ["x"] : list.map((v) => `n${v % i}`))))
      .chain((nodes) =>
        fc.record({
          nodes: fc.constant(nodes),
          shuffled: fc.shuffledSubarray(nodes, { minLength: nodes.length }),
        }),
      );
    fc.assert(
      fc.property(graph, ({ nodes, shuffled }) => {
        expect(orderNodes(nodes)).toBe(nodes);
        const ordered = orderNodes(shuffled);
        expect(new Set(ordered)).toEqual(new Set(nodes));
        const made = new Set(["x"]);
        for (const n of ordered) {
          for (const name of n.inputs) expect(made).toContain(name);
          made.add(n.name);
        }
      }),
    );
  });

  it("takes chains of any length", () => {
    const chain = Array.from({ length: 50_000 }, (_, i) => node(`n${i}`, [`n${i - 1}`])).reverse();
    expect(orderNodes(chain)[0]?.name).toBe("n0");
  });

  it("knows what subgraphs take from outside", () => {
    expect([...outerNames(subgraph)]).toEqual(["outer"]);
    const user = node("y", ["c", ""], { body: { kind: "graph", value: subgraph } });
    expect(neededBy(user)).toEqual(["c", "outer"]);
    expect(orderNodes([user, node("outer", ["x"])]).map((n) => n.name)).toEqual(["outer", "y"]);
  });

  it("names a node of a cycle", () => {
    expect(() => orderNodes([node("a", ["b"]), node("b", ["a"])])).toThrow(/cycle at node Op "b"/);
  });
});

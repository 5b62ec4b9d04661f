import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { corpus } from "../../test/corpus.js";
import { int } from "../onnx/attributes.js";
import { GraphBuilder } from "../onnx/builder.js";
import type { Model } from "../onnx/graph.js";
import { readModelFile } from "../onnx/node/read-file.js";
import { prepare } from "../onnx/prepare.js";
import { float32Tensor } from "../onnx/tensor.js";
import { describeInspection, inspectAnatomy } from "./describe.js";
import { readAnatomy } from "./read.js";

async function fixture(name: string): Promise<Model> {
  const path = fileURLToPath(new URL(`../../test/fixtures/anatomy/${name}.onnx`, import.meta.url));
  return prepare((await readModelFile(path)).model);
}

/** The model with more behind its output. */
function followed(model: Model, build: (b: GraphBuilder, output: string) => string): Model {
  const b = GraphBuilder.extending(model);
  const output = build(b, model.graph.outputs[0]?.name ?? "");
  return { ...model, graph: b.build([output]) };
}

const EXTRAS = { batch: "dynamic", differentiable: false, methods: ["rollout"] } as const;

describe("a model without a classifier", () => {
  it("gives features: the class token behind the final norm", async () => {
    const anatomy = readAnatomy(await fixture("features"));
    expect(anatomy).toMatchObject({ family: "vit", head: "token", headTokens: [0], notes: [] });
    expect(anatomy.output).toMatchObject({ kind: "features", classes: 0, features: 16 });
    const inspection = inspectAnatomy(anatomy, EXTRAS);
    expect(inspection.output).toMatchObject({ kind: "features", classes: 0, features: 16 });
    expect(describeInspection(inspection).join("\n")).toMatch(/16 features; the model has no classifier/);
  });

  it("gives features also through the pooler of a BERT-like model", async () => {
    expect(readAnatomy(await fixture("pooler")).output).toMatchObject({ kind: "features", features: 16 });
  });

  it("gives features side by side, and the mean of two", async () => {
    const model = await fixture("features");
    const both = followed(model, (b, x) => b.add("Concat", [x, x], { axis: int(1) }));
    expect(readAnatomy(both).output).toMatchObject({ kind: "features", features: 32 });
    const mean = followed(model, (b, x) => b.add("Mul", [b.add("Add", [x, x]), b.float(0.5)]));
    expect(readAnatomy(mean).output).toMatchObject({ kind: "features", features: 16 });
  });
});

describe("what is or may be a classifier", () => {
  const weight = (b: GraphBuilder) => b.constant(float32Tensor([16, 3], new Float32Array(48).fill(0.1)));

  it("is one with a product of weights behind the features, whatever comes after it", async () => {
    const model = await fixture("features");
    const ends: readonly ((b: GraphBuilder, x: string) => string)[] = [
      (b, x) => b.add("MatMul", [x, weight(b)]),
      (b, x) => b.add("Slice", [b.add("MatMul", [x, weight(b)]), b.ints([0]), b.ints([2]), b.ints([1])]),
    ];
    for (const end of ends) {
      const { output } = readAnatomy(followed(model, end));
      expect(output).toMatchObject({ kind: "logits" });
      expect(output.classes).toBeGreaterThan(0);
    }
  });

  it("is one where the user names the output", async () => {
    const model = await fixture("features");
    const output = model.graph.outputs[0]?.name ?? "";
    expect(readAnatomy(model, { output }).output).toMatchObject({ kind: "logits", classes: 16 });
  });

  it("is one in every export of the corpus", async () => {
    for (const model of corpus()) {
      const { path } = model.exports[0] ?? {};
      if (path === undefined) continue;
      const { output } = readAnatomy(prepare((await readModelFile(path)).model));
      expect(output.kind, path).not.toBe("features");
    }
  });
});

/** @file Models without a classifier: what works on them, what is refused, and a classifier given with --head. */
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { expectOneClearLine, fixture, VIT, workplace } from "./command.js";
import { explainJson } from "./contract.js";

const at = workplace();
const TRUNK = fixture("checkpoints", "transformers-vitmodel-no-classifier-no-pooler", "checkpoint");
const HEAD = "probe.safetensors";
const NO_CLASSES = /gives features and no class scores.*--head FILE/;

const inspected = z.looseObject({
  output: z.looseObject({ kind: z.string(), classes: z.int(), features: z.int().optional() }),
  methods: z.array(z.string()),
  why: z.array(z.string()).optional(),
  labels: z.array(z.string()),
});

const explained = z.looseObject({
  images: z.array(
    z.looseObject({
      predictions: z.array(z.unknown()),
      logits: z.array(z.number()),
      maps: z.array(z.looseObject({ class: z.null(), values: z.array(z.array(z.number())) })),
    }),
  ),
});

async function inspect(...args: readonly string[]) {
  const { status, stdout, stderr } = await at.run("inspect", ...args, "--json");
  expect(status, stderr).toBe(0);
  return inspected.parse(JSON.parse(stdout));
}

/** A linear classifier of `classes` classes as a .safetensors file. */
function writeHead(name: string, classes: number, width: number): void {
  const count = classes * width;
  const header = JSON.stringify({
    "linear.weight": { dtype: "F32", shape: [classes, width], data_offsets: [0, 4 * count] },
    "linear.bias": { dtype: "F32", shape: [classes], data_offsets: [4 * count, 4 * (count + classes)] },
  });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const values = Float32Array.from({ length: count + classes }, (_, i) => Math.sin(i));
  writeFileSync(at.path(name), Buffer.concat([length, Buffer.from(header), Buffer.from(values.buffer)]));
}

describe("a model without a classifier", () => {
  it("is said to give features, and which methods work on them", async () => {
    const found = await inspect(TRUNK);
    expect(found.output).toMatchObject({ kind: "features", classes: 0 });
    expect(found).toMatchObject({ methods: ["rollout"], labels: [] });
    expect(found.why?.join(" ")).toMatch(NO_CLASSES);
    const { stdout } = await at.run("inspect", TRUNK);
    expect(stdout).toMatch(/output +features: \d+ features; the model has no classifier/);
    expect(stdout).toMatch(/labels +none: the model has no classifier/);
  });

  it("is explained by rollout, without a class", async () => {
    const { features } = (await inspect(TRUNK)).output;
    const picture = await at.picture("a.png");
    const { status, stderr } = await at.run(
      "explain",
      TRUNK,
      picture,
      "--method",
      "rollout",
      "--out",
      "maps",
    );
    expect(status, stderr).toBe(0);
    const [image] = at.json(explained, "maps", "explain.json").images;
    expect(image?.predictions).toEqual([]);
    expect(image?.logits).toHaveLength(features ?? 0);
    expect(image?.maps[0]?.values.flat().some((v) => v > 0)).toBe(true);
    expect(at.files("maps")).toContain("a.rollout.png");
  });

  it("is refused, in one line, for what needs a class", async () => {
    const picture = await at.picture("a.png");
    const out = ["--out", "never"];
    const gradient = await at.run("explain", TRUNK, picture, "--method", "grad-cam", ...out);
    expectOneClearLine(gradient, /grad-cam/, NO_CLASSES);
    const ofClass = await at.run("explain", TRUNK, picture, "--method", "rollout", "--class", "1", ...out);
    expectOneClearLine(ofClass, NO_CLASSES);
    const evaluated = await at.run("evaluate", TRUNK, picture, "--method", "rollout", ...out);
    expectOneClearLine(evaluated, NO_CLASSES);
    writeFileSync(at.path("names.txt"), "a\nb\n");
    const labels = await at.run("inspect", TRUNK, "--labels", "names.txt");
    expectOneClearLine(labels, /names\.txt names classes, but the model gives features/);
    expect([gradient, ofClass, evaluated, labels].map((r) => r.status)).toEqual([1, 2, 1, 1]);
    expect(at.files()).not.toContain("never");
  });
});

describe("a linear classifier given with --head", () => {
  it("makes a classifier of a trunk, for every method and for convert", async () => {
    const { features = 0 } = (await inspect(TRUNK)).output;
    writeHead(HEAD, 3, features);
    const found = await inspect(TRUNK, "--head", HEAD);
    expect(found.output).toMatchObject({ kind: "logits", classes: 3 });
    expect(found.methods).toEqual(["grad-cam", "gradient-rollout", "rollout"]);
    const picture = await at.picture("a.png");
    const run = await at.run(
      ...[
        "explain",
        TRUNK,
        picture,
        "--head",
        HEAD,
        "--method",
        "grad-cam",
        "--class",
        "2",
        "--out",
        "classified",
      ],
    );
    expect(run.status, run.stderr).toBe(0);
    const [image] = at.json(explainJson, "classified", "explain.json").images;
    expect(image?.logits).toHaveLength(3);
    expect(image?.maps[0]?.class.index).toBe(2);
    const converted = await at.run("convert", TRUNK, "--head", HEAD, "-o", "whole.onnx");
    expect(converted.stdout).toMatch(/→ logits \[N, 3\]/);
    expect((await inspect("whole.onnx")).output).toMatchObject({ kind: "logits", classes: 3 });
  });

  it("is refused where it does not fit, is no classifier, or the model is a graph", async () => {
    writeHead("narrow.safetensors", 3, 5);
    const narrow = await at.run("inspect", TRUNK, "--head", "narrow.safetensors");
    expectOneClearLine(narrow, /narrow\.safetensors takes 5 features, but the model gives \d+/);
    const whole = await at.run("inspect", TRUNK, "--head", TRUNK);
    expectOneClearLine(whole, /is no linear classifier/);
    writeHead(HEAD, 3, 5);
    const graph = await at.run("inspect", VIT, "--head", HEAD);
    expectOneClearLine(graph, /--head is for checkpoints/);
    expect([narrow, whole, graph].map((r) => r.status)).toEqual([1, 1, 1]);
  });
});

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { protoModel, protoNode, valueInfo } from "../../../test/proto-model.js";
import { VitreousError } from "../../onnx/errors.js";
import type { Feeds, NdArray, Runtime, Session } from "../runtime.js";
import { nodeRuntime } from "./node-runtime.js";

const vit = new Uint8Array(
  readFileSync(new URL("../../../test/fixtures/models/vit/legacy-17.onnx", import.meta.url)),
);

/** The model's images are as high and wide as this. */
const size = 32;

/** Values that are the same in every run of the tests. */
function images(count: number, offset = 0): NdArray & { readonly data: Float32Array } {
  const data = Float32Array.from({ length: count * 3 * size * size }, (_, i) => Math.sin(i * 0.37 + offset));
  return { dtype: "float32", dims: [count, 3, size, size], data };
}

const feedsOf = (array: NdArray): Feeds => ({ pixel_values: array });

/** A graph of one node, x → y, float32 of any length unless said otherwise. */
function oneNode(
  opType: string,
  options: { domain?: string; from?: number; to?: number; opset?: number } = {},
) {
  const node = { ...protoNode(opType, ["x"], ["y"], [], "the_node"), domain: options.domain ?? "" };
  return protoModel(
    {
      name: "g",
      node: [node],
      input: [valueInfo("x", ["n"], options.from ?? 1)],
      output: [valueInfo("y", ["n"], options.to ?? 1)],
    },
    { opsetImport: [{ version: BigInt(options.opset ?? 17) }, { domain: "org.example", version: 1n }] },
  );
}

/** Multiplies a square matrix of zeros with itself: much work for few bytes. */
const slowModel = protoModel({
  name: "g",
  node: [
    protoNode("ConstantOfShape", ["shape"], ["zeros"]),
    protoNode("MatMul", ["zeros", "zeros"], ["product"]),
    protoNode("ReduceMax", ["product"], ["y"]),
  ],
  input: [valueInfo("shape", [2], 7)],
  output: [valueInfo("y", [1, 1])],
});
const slowFeeds: Feeds = { shape: { dtype: "int64", dims: [2], data: BigInt64Array.of(2000n, 2000n) } };

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

let runtime: Runtime;
let session: Session;

beforeAll(async () => {
  runtime = await nodeRuntime();
  session = await runtime.load([vit], { name: "vit.onnx" });
});
afterAll(() => runtime.close());

describe("results", () => {
  it("are onnxruntime-node's own, whatever the batch", async () => {
    const direct = await ort.InferenceSession.create(vit);
    for (const count of [1, 3, 1]) {
      const image = images(count, count);
      const expected = await direct.run({ pixel_values: new ort.Tensor("float32", image.data, image.dims) });
      const got = await session.run(feedsOf(image));
      expect(got.logits?.dims).toEqual([...(expected.logits?.dims ?? [])]);
      expect(got.logits?.data).toEqual(expected.logits?.data);
    }
    await direct.release();
  });

  it("name the graph's inputs and outputs", () => {
    expect(runtime.device).toBe("cpu");
    expect(session.inputNames).toEqual(["pixel_values"]);
    expect(session.outputNames).toEqual(["logits"]);
  });

  it("hold the outputs asked for and no others, in whatever order", async () => {
    const bytes = protoModel({
      name: "g",
      node: [protoNode("Neg", ["x"], ["a"]), protoNode("Abs", ["x"], ["b"]), protoNode("Neg", ["b"], ["c"])],
      input: [valueInfo("x", ["n"])],
      output: [valueInfo("a", ["n"]), valueInfo("b", ["n"]), valueInfo("c", ["n"])],
    });
    const three = await runtime.load([bytes]);
    const x: NdArray = { dtype: "float32", dims: [2], data: Float32Array.of(1, -2) };
    expect(await three.run({ x }, { outputs: ["c", "b"] })).toEqual({
      c: { dtype: "float32", dims: [2], data: Float32Array.of(-1, -2) },
      b: { dtype: "float32", dims: [2], data: Float32Array.of(1, 2) },
    });
    await three.release();
  });

  it.each<[number, NdArray]>([
    [6, { dtype: "int32", dims: [2], data: Int32Array.of(1, -2) }],
    [7, { dtype: "int64", dims: [2], data: BigInt64Array.of(1n, -2n) }],
    [2, { dtype: "uint8", dims: [2], data: Uint8Array.of(1, 255) }],
    [9, { dtype: "bool", dims: [2], data: Uint8Array.of(1, 0) }],
    [11, { dtype: "float64", dims: [2], data: Float64Array.of(1, Math.PI) }],
    [1, { dtype: "float32", dims: [0], data: new Float32Array(0) }],
  ])("carry arrays of the ONNX type %i", async (type, x) => {
    const identity = await runtime.load([oneNode("Identity", { from: type, to: type })]);
    expect((await identity.run({ x })).y).toEqual(x);
    await identity.release();
  });

  it("come from a model given in pieces", async () => {
    const inPieces = await runtime.load([
      vit.subarray(0, 1000),
      vit.subarray(1000, 1001),
      vit.subarray(1001),
    ]);
    const image = images(1);
    expect(await inPieces.run(feedsOf(image))).toEqual(await session.run(feedsOf(image)));
    expect(vit.byteLength).toBeGreaterThan(0);
    await inPieces.release();
  });
});

describe("the feeds' memory", () => {
  it("stays the caller's by default, to overwrite at once", async () => {
    const image = images(1);
    const expected = (await session.run(feedsOf(images(1)))).logits;
    const running = session.run(feedsOf(image));
    image.data.fill(0);
    expect((await running).logits).toEqual(expected);
  });

  it("is given away and back on request", async () => {
    const image = images(2);
    const copy = image.data.slice();
    let back: Feeds = {};
    const result = await session.run(feedsOf(image), {
      transfer: true,
      giveBack: (feeds) => {
        back = feeds;
      },
    });
    expect(image.data.byteLength).toBe(0);
    expect(back).toEqual(feedsOf({ ...image, data: copy }));
    expect(result).toEqual(await session.run(feedsOf(images(2))));
  });

  it("is copied in spite of `transfer` where the array is a part of a larger buffer", async () => {
    const both = images(2);
    const second: NdArray = { ...both, dims: [1, 3, size, size], data: both.data.subarray(3 * size * size) };
    await session.run(feedsOf(second), { transfer: true });
    expect(both.data.length).toBe(2 * 3 * size * size);
  });
});

describe("running", () => {
  it("leaves the event loop free", async () => {
    const slow = await runtime.load([slowModel]);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await slow.run(slowFeeds);
    clearInterval(timer);
    await slow.release();
    expect(ticks).toBeGreaterThan(5);
  });

  it("answers many queued runs, each with its own result", async () => {
    const offsets = Array.from({ length: 200 }, (_, i) => i % 5);
    const results = await Promise.all(offsets.map((offset) => session.run(feedsOf(images(1, offset)))));
    const expected = await Promise.all(
      [0, 1, 2, 3, 4].map((offset) => session.run(feedsOf(images(1, offset)))),
    );
    results.forEach((result, i) => {
      expect(result).toEqual(expected[i % 5]);
    });
  });

  it("does not begin when the signal is aborted already", async () => {
    const reason = new Error("no longer wanted");
    await expect(session.run(feedsOf(images(1)), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(runtime.load([vit], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it("is abandoned at once on abort, and queued runs are dropped", async () => {
    const slow = await runtime.load([slowModel]);
    const one = await seconds(() => slow.run(slowFeeds));
    const controller = new AbortController();
    const { signal } = controller;
    const runs = Array.from({ length: 10 }, () => slow.run(slowFeeds, { signal }));
    const outcomes = Promise.allSettled(runs);
    const after = slow.run(slowFeeds);
    setTimeout(() => controller.abort(), 5);
    const toReject = await seconds(() => outcomes);
    const toGoOn = await seconds(() => after);
    expect(await outcomes).toEqual(runs.map(() => ({ status: "rejected", reason: signal.reason })));
    expect(signal.reason.name).toBe("AbortError");
    expect(toReject).toBeLessThan(one);
    expect(toGoOn).toBeLessThan(6 * one);
    await slow.release();
  });

  it("can be aborted after the end without effect", async () => {
    const controller = new AbortController();
    const loaded = await runtime.load([vit], { signal: controller.signal });
    await loaded.run(feedsOf(images(1)), { signal: controller.signal });
    controller.abort();
    await expect(loaded.run(feedsOf(images(1)))).resolves.toHaveProperty("logits");
    await loaded.release();
  });
});

describe("mistakes are explained", () => {
  const image = images(1);

  it.each<[string, Feeds, RegExp]>([
    ["an unknown input", { pixels: image }, /no input 'pixels'; its inputs are 'pixel_values'/],
    ["a missing input", {}, /'pixel_values' was not given/],
    ["a rank", feedsOf({ ...image, dims: [3, size, size] }), /shape \[\w+, 3, 32, 32\].*shape \[3, 32, 32\]/],
    ["a size", feedsOf({ ...image, dims: [1, 3, 32, 128] }), /shape \[\w+, 3, 32, 32\].*\[1, 3, 32, 128\]/],
    ["a type", feedsOf({ ...image, dtype: "float64" }), /is float32, but was given float64/],
    ["a length", feedsOf({ ...image, dims: [2, 3, size, size] }), /holds 6144 .* carries 3072/],
    ["an array", feedsOf({ ...image, data: new Float64Array(3072) }), /3072 in a Float64Array/],
  ])("%s", async (_, feeds, message) => {
    const run = session.run(feeds);
    await expect(run).rejects.toThrow(VitreousError);
    await expect(run).rejects.toThrow(message);
  });

  it("an unknown output", async () => {
    await expect(session.run(feedsOf(image), { outputs: ["probabilities"] })).rejects.toThrow(
      /no output 'probabilities'; its outputs are 'logits'/,
    );
  });

  it.each<[string, Uint8Array[], RegExp]>([
    ["no bytes", [], /'bad.onnx' is not a whole ONNX model/],
    ["random bytes", [new Uint8Array(1000).fill(7)], /'bad.onnx' is not a whole ONNX model/],
    ["a truncated model", [vit.slice(0, vit.length >> 1)], /'bad.onnx' is not a whole ONNX model/],
    ["an unknown operator", [oneNode("Mystery", { domain: "org.example" })], /Mystery/],
    ["a type without a kernel", [oneNode("Erf", { from: 9, to: 9 })], /'bad.onnx'.*Erf|Erf.*'bad.onnx'/],
    ["an opset of the future", [oneNode("Neg", { opset: 999 })], /opset.*export it again/],
  ])("%s as a model", async (_, pieces, message) => {
    const loading = runtime.load(pieces, { name: "bad.onnx" });
    await expect(loading).rejects.toThrow(VitreousError);
    await expect(loading).rejects.toThrow(message);
    await expect(loading).rejects.not.toThrow(/onnxruntime_src|\n/);
  });

  it("a failure at a node, naming the node", async () => {
    const bytes = protoModel({
      name: "g",
      node: [protoNode("Add", ["x", "z"], ["y"], [], "the_sum")],
      input: [valueInfo("x", ["n"]), valueInfo("z", ["m"])],
      output: [valueInfo("y", ["k"])],
    });
    const sum = await runtime.load([bytes], { name: "sum.onnx" });
    const of = (length: number): NdArray => ({
      dtype: "float32",
      dims: [length],
      data: new Float32Array(length),
    });
    const run = sum.run({ x: of(2), z: of(3) });
    await expect(run).rejects.toThrow(/'sum.onnx' failed at the node 'the_sum' \(Add\): .*2 by 3/);
    await expect(run).rejects.not.toThrow(/onnxruntime_src|\n/);
    await expect(sum.run({ x: of(3), z: of(3) })).resolves.toHaveProperty("y");
    await sum.release();
  });

  it("an output that does not fit into memory", async () => {
    const bytes = protoModel({
      name: "g",
      node: [protoNode("Expand", ["x", "shape"], ["y"])],
      input: [valueInfo("x", [1]), valueInfo("shape", [1], 7)],
      output: [valueInfo("y", ["n"])],
    });
    const expand = await runtime.load([bytes]);
    const run = expand.run({
      x: { dtype: "float32", dims: [1], data: Float32Array.of(1) },
      shape: { dtype: "int64", dims: [1], data: BigInt64Array.of(2n ** 46n) },
    });
    await expect(run).rejects.toThrow(/not enough memory to run the model on this batch/);
    await expect(session.run(feedsOf(image))).resolves.toHaveProperty("logits");
    await expand.release();
  });

  it("a device that the build lacks, with those it has", async () => {
    const absent = process.platform === "win32" ? "coreml" : "dml";
    await expect(nodeRuntime({ device: absent })).rejects.toThrow(
      new RegExp(`without the device '${absent}'; it has cpu`),
    );
  });

  it("a number of threads that is none", async () => {
    await expect(nodeRuntime({ threads: 1.5 })).rejects.toThrow(/threads.*1\.5/);
  });
});

describe("the end", () => {
  it("of a session lets the runs asked for finish, rejects later ones, and leaves others alone", async () => {
    const other = await runtime.load([vit], { name: "other.onnx" });
    const running = other.run(feedsOf(images(8)));
    const released = other.release();
    expect(other.release()).toBe(released);
    await expect(running).resolves.toHaveProperty("logits");
    await released;
    await expect(other.run(feedsOf(images(1)))).rejects.toThrow(/'other.onnx' was released/);
    await expect(session.run(feedsOf(images(1)))).resolves.toHaveProperty("logits");
  });

  it("of a runtime lets the runs asked for finish and rejects what comes later", async () => {
    const short = await nodeRuntime({ threads: 1 });
    const other = await short.load([vit], { name: "other.onnx" });
    const running = other.run(feedsOf(images(8)));
    const closed = short.close();
    expect(short.close()).toBe(closed);
    await expect(running).resolves.toHaveProperty("logits");
    await closed;
    await expect(other.run(feedsOf(images(1)))).rejects.toThrow(/closed/);
    await expect(short.load([vit])).rejects.toThrow(/closed/);
    await other.release();
  });

  it("of the process is not held up by a runtime that nobody waits for", async () => {
    const ports = () => process.getActiveResourcesInfo().filter((name) => name === "MessagePort").length;
    const before = ports();
    const idle = await nodeRuntime();
    expect(ports()).toBe(before);
    const loading = idle.load([vit]);
    expect(ports()).toBe(before + 1);
    await loading;
    expect(ports()).toBe(before);
    await idle.close();
  });

  it("of memory is not brought about by loading and releasing", async () => {
    const cycle = async () => {
      const one = await runtime.load([vit]);
      await one.run(feedsOf(images(1)));
      await one.release();
    };
    for (let i = 0; i < 30; i++) await cycle();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 60; i++) await cycle();
    // Kept sessions would need more than 1 MiB each.
    expect(process.memoryUsage().rss - before).toBeLessThan(30 * 2 ** 20);
  });
});

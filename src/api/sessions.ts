/**
 * @file The sessions of an opened model: a plain forward pass and the explanations compiled so far. Each is made
 * when it is first needed; few are kept, since every session holds the weights.
 */
import type { Compiled, TargetMode } from "../explain/compile.js";
import type { Method } from "../explain/method.js";
import { VitreousError } from "../onnx/errors.js";
import type { Model } from "../onnx/graph.js";
import { prune } from "../onnx/prune.js";
import { lower } from "../onnx/tune/lower.js";
import { spreadRows } from "../onnx/tune/stride.js";
import { writeModel } from "../onnx/write.js";
import { normal } from "../random.js";
import type { Fetches, NdArray, Runtime, Session } from "../runtime/runtime.js";
import type { ModelImage } from "./image.js";

export interface ModelGraphs {
  /** For predictions: only the logits, with everything cut away that they do not need. */
  readonly forward: Model;
  /** For explanations: all values named, types known. */
  readonly full: Model;
  /** Why gradients cannot be had, in one sentence; undefined when they can. */
  readonly refusal: string | undefined;
  /** Name of the input and its dimensions behind the batch axis. */
  readonly input: { readonly name: string; readonly dims: readonly number[] };
  readonly logits: string;
  /** Images that one run takes: any number, or exactly so many. */
  readonly batch: "dynamic" | number;
}

interface Explaining {
  readonly session: Session;
  readonly compiled: Compiled;
}

export class Sessions {
  readonly #runtime: Runtime;
  readonly #graphs: ModelGraphs;
  readonly #name: string;
  readonly #ready: number;
  #forward: Promise<Session> | undefined;
  readonly #explaining = new Map<string, Promise<Explaining>>();

  /** @param ready explanation sessions kept beside the forward one */
  constructor(runtime: Runtime, graphs: ModelGraphs, name: string, ready: number) {
    this.#runtime = runtime;
    this.#graphs = graphs;
    this.#name = name;
    this.#ready = ready;
  }

  get differentiable(): Model {
    return this.#graphs.full;
  }

  /** Images that one run takes: any number, or exactly so many. */
  get batch(): "dynamic" | number {
    return this.#graphs.batch;
  }

  /** Why no gradients can be had from this model; undefined when they can. */
  get refusal(): string | undefined {
    return this.#graphs.refusal;
  }

  /** Elements of one input image. */
  get inputSize(): number {
    return this.#graphs.input.dims.reduce((product, d) => product * d, 1);
  }

  async forward() {
    this.#forward ??= this.#load(this.#graphs.forward);
    return {
      session: await this.#forward,
      logits: this.#graphs.logits,
      batch: this.batch,
      feedRows: (rows: Float32Array, count: number) => this.#feed(rows, count),
    };
  }

  /** The session for these methods; `compile` is called when there is none yet. */
  async explaining(methods: readonly Method[], mode: TargetMode, compile: () => Compiled) {
    const key = JSON.stringify([mode, methods.map((m) => [m.name, m.parameters])]);
    let entry = this.#explaining.get(key);
    if (entry === undefined) {
      const tooMany = Math.max(0, this.#explaining.size + 1 - this.#ready);
      for (const [old, loading] of [...this.#explaining].slice(0, tooMany)) {
        this.#explaining.delete(old);
        await (await loading).session.release();
      }
      const compiled = compile();
      entry = this.#load(compiled.model).then((session) => ({ session, compiled }));
      this.#explaining.set(key, entry);
      entry.catch(() => this.#explaining.delete(key));
    }
    return {
      ...(await entry),
      batch: this.batch,
      feed: (images: readonly ModelImage[]) => this.#feedImages(images),
    };
  }

  /** Values of the graph for one seeded random image, normalised. */
  async values(names: readonly string[], seed: number): Promise<Fetches> {
    const { full } = this.#graphs;
    const known = names.filter((name) => full.graph.types.has(name));
    const outputs = known.map((name) => ({
      name,
      dtype: "float32" as const,
      shape: undefined,
      ...full.graph.types.get(name),
    }));
    const session = await this.#load({ ...full, graph: prune({ ...full.graph, outputs }) });
    try {
      const next = normal(seed);
      return await session.run(this.#feed(Float32Array.from({ length: this.inputSize }, next), 1));
    } finally {
      await session.release();
    }
  }

  async close(): Promise<void> {
    this.#forward = undefined;
    this.#explaining.clear();
    await this.#runtime.close();
  }

  #load(model: Model): Promise<Session> {
    return this.#runtime.load(writeModel(lower(spreadRows(model))), { name: this.#name });
  }

  #feedImages(images: readonly ModelImage[]): Record<string, NdArray> {
    const size = this.inputSize;
    const rows = new Float32Array(images.length * size);
    images.forEach((image, i) => {
      checkSize(image, this.#graphs.input.dims);
      rows.set(image.tensor.data, i * size);
    });
    return this.#feed(rows, images.length);
  }

  /** A run of a fixed number of images that has fewer to do is filled up with zeros. */
  #feed(rows: Float32Array, count: number): Record<string, NdArray> {
    const { name, dims } = this.#graphs.input;
    const run = this.batch === "dynamic" ? count : this.batch;
    let data = rows;
    if (run !== count) {
      data = new Float32Array(run * this.inputSize);
      data.set(rows);
    }
    return { [name]: { dtype: "float32", dims: [run, ...dims], data } };
  }
}

/** Throws VitreousError unless the image has the model's dimensions [channels, height, width]. */
export function checkSize(image: ModelImage, dims: readonly number[]): void {
  const { channels, height, width } = image.tensor;
  const given = [channels, height, width];
  if (given.join() !== dims.join()) {
    throw new VitreousError(
      `${image.name}: is [${given.join(", ")}], but the model takes [${dims.join(", ")}]`,
    );
  }
}

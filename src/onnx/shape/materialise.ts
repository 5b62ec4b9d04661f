/**
 * @file Puts a tensor of numbers scale·N + offset into the graph in one canonical form: Shape of the model's input
 * gives N, then Mul, Add and Concat as needed. Equal parts are made once.
 */
import { int } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import { dataTypeCode } from "../data-type.js";
import { BATCH, type Dim, formatDim, isStatic, isStaticShape, sameDim } from "../dim.js";
import type { Graph, ValueType } from "../graph.js";

/** The input whose first axis is the batch. */
export function batchInput(graph: Graph): string | undefined {
  return graph.inputs.find((input) => sameDim(input.shape?.[0], BATCH))?.name;
}

export class BatchNumbers {
  readonly #builder: GraphBuilder;
  readonly #input: string;
  /** Values of shape [1] already made, by what they hold. */
  readonly #made = new Map<string, string>();

  constructor(builder: GraphBuilder, input: string) {
    this.#builder = builder;
    this.#input = input;
  }

  /** The name of a value with this content, dtype (int32 or int64) and static shape. */
  value(content: readonly Dim[], { dtype, shape }: ValueType): string {
    const pieces = this.#pieces(content);
    const [only = ""] = pieces;
    const flat =
      pieces.length === 1 ? only : this.#builder.add("Concat", pieces, { axis: int(0) }, { hint: "shape" });
    const dims = isStaticShape(shape) ? shape : [content.length];
    const shaped = dims.length === 1 ? flat : this.#builder.add("Reshape", [flat, this.#builder.ints(dims)]);
    const code = dataTypeCode(dtype);
    return dtype === "int64" || code === undefined
      ? shaped
      : this.#builder.add("Cast", [shaped], { to: int(code) });
  }

  /** Runs of numbers as constants, and each function of N. */
  #pieces(content: readonly Dim[]): readonly string[] {
    const pieces: string[] = [];
    let run: number[] = [];
    const flush = (): void => {
      if (run.length > 0) pieces.push(this.#builder.ints(run));
      run = [];
    };
    for (const d of content) {
      if (isStatic(d)) run.push(d);
      else {
        flush();
        pieces.push(this.#single(d));
      }
    }
    flush();
    return pieces;
  }

  #single(d: Dim): string {
    const key = formatDim(d);
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = this.#make(d);
    this.#made.set(key, made);
    return made;
  }

  #make(d: Dim): string {
    if (d === null || isStatic(d)) throw new RangeError("only functions of the batch are made here");
    if (sameDim(d, BATCH)) {
      return this.#builder.add("Shape", [this.#input], { start: int(0), end: int(1) }, { hint: "batch" });
    }
    const batch = this.#single(BATCH);
    const scaled = d.scale === 1 ? batch : this.#builder.add("Mul", [batch, this.#builder.ints([d.scale])]);
    return d.offset === 0 ? scaled : this.#builder.add("Add", [scaled, this.#builder.ints([d.offset])]);
  }
}

/**
 * @file Hands a checkpoint's tensors to the code that builds the graph and keeps account: what was missing, what
 * had another shape, what nobody asked for. All of it is told in one message, so that a wrong
 * configuration is recognised at a glance and nothing is ever left out or made up in silence. Only then are the
 * weights read, each straight into the place that the graph holds.
 */
import { VitreousError } from "../onnx/errors.js";
import type { Tensor } from "../onnx/graph.js";
import { elementCount, float32Tensor, tensorToFloat32 } from "../onnx/tensor.js";
import { byteLength, type StoredTensor, type StoredTensors } from "./stored-tensor.js";
import { transposeInto } from "./transpose.js";

/** Tensors named in full of each kind of problem. */
const NAMED = 12;

/** A tensor of the checkpoint and the shape it must have. */
export interface Part {
  readonly name: string;
  readonly dims: readonly number[];
}

export interface Weights {
  readonly has: (name: string) => boolean;
  readonly dims: (name: string) => readonly number[] | undefined;
  /** The tensor as float32. */
  readonly take: (name: string, dims: readonly number[]) => Tensor;
  /**
   * Linear layers of [outputs, inputs] each, side by side as one [inputs, n·outputs], ready for MatMul: one layer, or
   * the queries', keys' and values' for one product.
   */
  readonly takeLinear: (names: readonly string[], outputs: number, inputs: number) => Tensor;
  /** Vectors of [length] each, one after the other; zeros for `undefined` (BEiT's keys have no bias). */
  readonly takeJoined: (names: readonly (string | undefined)[], length: number) => Tensor;
  /** A constant [dims] computed from tensors of the checkpoint, all as float32. `out` is filled with zeros. */
  readonly derive: (
    parts: readonly Part[],
    dims: readonly number[],
    compute: (parts: readonly Float32Array[], out: Float32Array) => void,
  ) => Tensor;
  /** Tensors that are known and that the logits do not depend on: indices kept as buffers, mask tokens. */
  readonly leave: (matches: (name: string) => boolean) => void;
}

/** The account, for who writes a graph twice: once to learn what it takes, once with the weights in place. */
export interface WeightAccount extends Weights {
  /** Throws VitreousError if anything was missing, of another shape, or neither taken nor left. */
  readonly finish: () => void;
  /** Reads all that was taken, and starts over: the same calls in the same order now get it. */
  readonly load: () => Promise<void>;
}

function listed(what: string, names: readonly string[]): string {
  const shown = names.slice(0, NAMED).join(", ");
  const rest = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
  return names.length === 0 ? "" : ` ${what} (${names.length}): ${shown}${rest}.`;
}

async function readBytes(tensor: StoredTensor): Promise<Uint8Array> {
  if (tensor.bytes) return tensor.bytes;
  const bytes = new Uint8Array(byteLength(tensor));
  await tensor.readInto(bytes);
  return bytes;
}

async function readFloats(tensor: StoredTensor): Promise<Float32Array> {
  return tensorToFloat32({ dtype: tensor.dtype, dims: tensor.dims, bytes: await readBytes(tensor) });
}

/** @param model what messages call the architecture the tensors must fit */
export function weightsOf(tensors: StoredTensors, model: string): WeightAccount {
  const taken = new Set<string>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  const fills: (() => Promise<void>)[] = [];
  const handedOut: Tensor[] = [];
  let next: number | undefined;

  /** Makes a constant; once loaded, hands out the one made in the same place before. */
  function once(make: () => Tensor): Tensor {
    if (next !== undefined) {
      const made = handedOut[next++];
      if (made === undefined) throw new RangeError("a graph took more weights when it was written again");
      return made;
    }
    const made = make();
    handedOut.push(made);
    return made;
  }

  function find(name: string, dims: readonly number[]): StoredTensor | undefined {
    taken.add(name);
    const tensor = tensors.get(name);
    if (tensor === undefined) missing.push(`${name} [${dims.join(", ")}]`);
    else if (tensor.dims.join() !== dims.join()) {
      misshapen.push(`${name} is [${tensor.dims.join(", ")}], not [${dims.join(", ")}]`);
    } else return tensor;
    return undefined;
  }

  function take(name: string, dims: readonly number[]): Tensor {
    const tensor = find(name, dims);
    if (tensor?.bytes && tensor.dtype === "float32") return { dtype: "float32", dims, bytes: tensor.bytes };
    if (tensor?.dtype !== "float32") {
      return computed([{ name, dims }], dims, ([from], out) => {
        if (from) out.set(from);
      });
    }
    const bytes = new Uint8Array(byteLength(tensor));
    fills.push(() => tensor.readInto(bytes));
    return { dtype: "float32", dims, bytes };
  }

  function computed(
    parts: readonly Part[],
    dims: readonly number[],
    compute: (parts: readonly Float32Array[], out: Float32Array) => void,
  ): Tensor {
    const found = parts.flatMap((part) => find(part.name, part.dims) ?? []);
    // finish() throws before this stand-in is used.
    if (found.length < parts.length) return { dtype: "float32", dims, bytes: new Uint8Array(0) };
    const out = new Float32Array(elementCount(dims));
    fills.push(async () => {
      const values: Float32Array[] = [];
      for (const tensor of found) values.push(await readFloats(tensor));
      compute(values, out);
    });
    return float32Tensor(dims, out);
  }

  const derive: Weights["derive"] = (parts, dims, compute) => once(() => computed(parts, dims, compute));

  function finish(): void {
    const unexpected = [...tensors.keys()].filter((name) => !taken.has(name));
    if (missing.length + misshapen.length + unexpected.length === 0) return;
    throw new VitreousError(
      `The checkpoint's tensors do not fit ${model}.${listed("Missing", [...new Set(missing)])}${listed("Of another shape", [...new Set(misshapen)])}${listed("Not expected", unexpected)} Check that the configuration belongs to these weights.`,
    );
  }

  return {
    has: (name) => tensors.has(name),
    dims: (name) => tensors.get(name)?.dims,
    take: (name, dims) => once(() => take(name, dims)),
    takeLinear: (names, outputs, inputs) =>
      derive(
        names.map((name) => ({ name, dims: [outputs, inputs] })),
        [inputs, names.length * outputs],
        (parts, out) =>
          parts.forEach((part, i) => {
            transposeInto(out, part, {
              rows: outputs,
              columns: inputs,
              stride: parts.length * outputs,
              at: i * outputs,
            });
          }),
      ),
    takeJoined: (names, length) =>
      derive(
        names.flatMap((name) => (name === undefined ? [] : [{ name, dims: [length] }])),
        [names.length * length],
        (parts, out) => {
          let part = 0;
          names.forEach((name, i) => {
            if (name !== undefined) out.set(parts[part++] ?? [], i * length);
          });
        },
      ),
    derive,
    leave: (matches) => {
      for (const name of tensors.keys()) if (matches(name)) taken.add(name);
    },
    finish,
    load: async () => {
      for (const fill of fills) await fill();
      next = 0;
    },
  };
}

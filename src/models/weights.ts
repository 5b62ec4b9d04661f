/**
 * @file Hands a checkpoint's tensors to the code that builds the graph and keeps account: what was missing, what
 * had another shape, what nobody asked for. All of it is told in one message, so that a wrong
 * configuration is recognised at a glance and nothing is ever left out or made up in silence. Only then are the
 * weights read, each straight into the place that the graph holds.
 */
import { VitreousError } from "../onnx/errors.js";
import type { Tensor } from "../onnx/graph.js";
import { elementCount, float32Tensor, tensorToFloat32 } from "../onnx/tensor.js";
import { type Adjoint, addBack, type Compute, copy, endToEnd, sideBySide } from "./rearrange.js";
import { byteLength, type StoredTensor, type StoredTensors } from "./stored-tensor.js";

/** Tensors named in full of each kind of problem. */
const NAMED = 12;

/** A tensor of the checkpoint and the shape it must have. */
export interface Part {
  readonly name: string;
  readonly dims: readonly number[];
}

/** How a constant of the graph is made of the checkpoint's tensors: what training has to know to change those. */
export interface Binding {
  readonly parts: readonly Part[];
  readonly compute: Compute;
  /**
   * "rearranged": each element of the constant is one of the parts', and none is left out, so that the constant may
   * be trained in their place (and `adjoint` takes it apart again). "computed": the parts are trained.
   */
  readonly kind: "rearranged" | "computed";
  readonly adjoint: Adjoint;
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
  /**
   * A constant [dims] computed from tensors of the checkpoint, all as float32.
   *
   * @param adjoint of `compute`; of its linear part at the parts' values where it is not linear
   */
  readonly derive: (
    parts: readonly Part[],
    dims: readonly number[],
    compute: Compute,
    adjoint: Adjoint,
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
  /** What each constant that was handed out is made of. */
  readonly bindings: ReadonlyMap<Tensor, Binding>;
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

export async function readFloats(tensor: StoredTensor): Promise<Float32Array> {
  return tensorToFloat32({ dtype: tensor.dtype, dims: tensor.dims, bytes: await readBytes(tensor) });
}

/** @param model what messages call the architecture the tensors must fit */
export function weightsOf(tensors: StoredTensors, model: string): WeightAccount {
  const taken = new Set<string>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  const fills: (() => Promise<void>)[] = [];
  const handedOut: Tensor[] = [];
  const bindings = new Map<Tensor, Binding>();
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
    if (tensor?.dtype !== "float32") return computed(found([{ name, dims }]), dims, copy);
    if (tensor.bytes) return { dtype: "float32", dims, bytes: tensor.bytes };
    const bytes = new Uint8Array(byteLength(tensor));
    fills.push(() => tensor.readInto(bytes));
    return { dtype: "float32", dims, bytes };
  }

  const found = (parts: readonly Part[]): readonly (StoredTensor | undefined)[] =>
    parts.map((part) => find(part.name, part.dims));

  function computed(
    sources: readonly (StoredTensor | undefined)[],
    dims: readonly number[],
    compute: Compute,
  ): Tensor {
    const all = sources.flatMap((source) => source ?? []);
    // finish() throws before this stand-in is used.
    if (all.length < sources.length) return { dtype: "float32", dims, bytes: new Uint8Array(0) };
    const out = new Float32Array(elementCount(dims));
    fills.push(async () => {
      const values: Float32Array[] = [];
      for (const tensor of all) values.push(await readFloats(tensor));
      compute(values, out);
    });
    return float32Tensor(dims, out);
  }

  function bound(binding: Binding, make: () => Tensor): Tensor {
    return once(() => {
      const tensor = make();
      bindings.set(tensor, binding);
      return tensor;
    });
  }

  /** Makes a constant of whole tensors that only change their places. */
  function rearranged(
    parts: readonly Part[],
    dims: readonly number[],
    compute: Compute,
    adjoint: Adjoint,
  ): Tensor {
    return bound({ parts, compute, kind: "rearranged", adjoint }, () =>
      computed(found(parts), dims, compute),
    );
  }

  const derive: Weights["derive"] = (parts, dims, compute, adjoint) =>
    bound({ parts, compute, kind: "computed", adjoint }, () => computed(found(parts), dims, compute));

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
    take: (name, dims) =>
      bound({ parts: [{ name, dims }], compute: copy, kind: "rearranged", adjoint: addBack }, () =>
        take(name, dims),
      ),
    takeLinear: (names, outputs, inputs) => {
      const parts = names.map((name) => ({ name, dims: [outputs, inputs] }));
      const { compute, adjoint } = sideBySide(names.length, outputs, inputs);
      return rearranged(parts, [inputs, names.length * outputs], compute, adjoint);
    },
    takeJoined: (names, length) => {
      const parts = names.flatMap((name) => (name === undefined ? [] : [{ name, dims: [length] }]));
      const { compute, adjoint } = endToEnd(names, length);
      const dims = [names.length * length];
      return names.includes(undefined)
        ? derive(parts, dims, compute, adjoint)
        : rearranged(parts, dims, compute, adjoint);
    },
    derive,
    leave: (matches) => {
      for (const name of tensors.keys()) if (matches(name)) taken.add(name);
    },
    finish,
    load: async () => {
      for (const fill of fills) await fill();
      next = 0;
    },
    bindings,
  };
}

/** Weights of which nothing is known but what is asked for: every part goes into `taken`, and all constants are empty. */
export function listing(taken: Map<string, readonly number[]>): Weights {
  const note = (parts: readonly Part[], dims: readonly number[]): Tensor => {
    for (const part of parts) taken.set(part.name, part.dims);
    return { dtype: "float32", dims, bytes: new Uint8Array(0) };
  };
  return {
    has: () => true,
    dims: () => undefined,
    take: (name, dims) => note([{ name, dims }], dims),
    takeLinear: (names, outputs, inputs) =>
      note(
        names.map((name) => ({ name, dims: [outputs, inputs] })),
        [inputs, names.length * outputs],
      ),
    takeJoined: (names, length) =>
      note(
        names.flatMap((name) => (name === undefined ? [] : [{ name, dims: [length] }])),
        [names.length * length],
      ),
    derive: note,
    leave: () => undefined,
  };
}

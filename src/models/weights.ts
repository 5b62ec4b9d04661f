/**
 * @file Hands a checkpoint's tensors to the code that builds the graph and keeps account: what was missing, what
 * had another shape, what nobody asked for. All of it is told in one message, so that a wrong
 * configuration is recognised at a glance and nothing is ever left out or made up in silence.
 */
import { VitreousError } from "../onnx/errors.js";
import type { Tensor } from "../onnx/graph.js";
import { elementCount, float32Tensor, tensorToFloat32 } from "../onnx/tensor.js";

/** Tensors named in full of each kind of problem. */
const NAMED = 12;

const EMPTY = new Uint8Array(0);

export interface Weights {
  readonly has: (name: string) => boolean;
  readonly dims: (name: string) => readonly number[] | undefined;
  /** The tensor as float32 (a view where it is that already). */
  readonly take: (name: string, dims: readonly number[]) => Tensor;
  /** A linear layer's [out, in] weight as [in, out], ready for MatMul. */
  readonly takeLinear: (name: string, outputs: number, inputs: number) => Tensor;
  /** Throws VitreousError if anything was missing, of another shape or never taken. Call before using a tensor. */
  readonly finish: () => void;
}

const BLOCK = 32;

/** [rows, columns] → [columns, rows], in blocks that stay in the cache. */
export function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let r0 = 0; r0 < rows; r0 += BLOCK) {
    const r1 = Math.min(rows, r0 + BLOCK);
    for (let c0 = 0; c0 < columns; c0 += BLOCK) {
      const c1 = Math.min(columns, c0 + BLOCK);
      for (let r = r0; r < r1; r++) {
        for (let c = c0; c < c1; c++) result[c * rows + r] = data[r * columns + c] ?? 0;
      }
    }
  }
  return result;
}

function listed(what: string, names: readonly string[]): string {
  const shown = names.slice(0, NAMED).join(", ");
  const rest = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
  return names.length === 0 ? "" : ` ${what} (${names.length}): ${shown}${rest}.`;
}

/** @param model what messages call the architecture the tensors must fit */
export function weightsOf(tensors: ReadonlyMap<string, Tensor>, model: string): Weights {
  const taken = new Set<string>();
  const missing: string[] = [];
  const misshapen: string[] = [];

  /** The tensor, or an empty stand-in once something is wrong: finish() throws before it is used. */
  function find(name: string, dims: readonly number[]): Tensor {
    taken.add(name);
    const tensor = tensors.get(name);
    if (tensor === undefined) missing.push(`${name} [${dims.join(", ")}]`);
    else if (tensor.dims.join() !== dims.join()) {
      misshapen.push(`${name} is [${tensor.dims.join(", ")}], not [${dims.join(", ")}]`);
    } else return tensor;
    return { dtype: "float32", dims, bytes: EMPTY };
  }

  const usable = (tensor: Tensor) => tensor.bytes.byteLength > 0 || elementCount(tensor.dims) === 0;

  function take(name: string, dims: readonly number[]): Tensor {
    const tensor = find(name, dims);
    if (tensor.dtype === "float32" || !usable(tensor)) return tensor;
    return float32Tensor(tensor.dims, tensorToFloat32(tensor));
  }

  function takeLinear(name: string, outputs: number, inputs: number): Tensor {
    const tensor = find(name, [outputs, inputs]);
    if (!usable(tensor)) return { ...tensor, dims: [inputs, outputs] };
    return float32Tensor([inputs, outputs], transposed(tensorToFloat32(tensor), outputs, inputs));
  }

  function finish(): void {
    const unexpected = [...tensors.keys()].filter((name) => !taken.has(name));
    if (missing.length + misshapen.length + unexpected.length === 0) return;
    throw new VitreousError(
      `The checkpoint's tensors do not fit ${model}.${listed("Missing", missing)}${listed("Of another shape", misshapen)}${listed("Not expected", unexpected)} Check that config.json belongs to these weights.`,
    );
  }

  return {
    has: (name) => tensors.has(name),
    dims: (name) => tensors.get(name)?.dims,
    take,
    takeLinear,
    finish,
  };
}

/**
 * @file What is trained of a model: the constants of its graph where those are nothing but the checkpoint's tensors in
 * another layout (AdamW goes by elements and does not mind), the tensors themselves where a constant is computed from them.
 */

import type { BuiltModel, StoredTensors } from "../models/index.js";
import { byteLength } from "../models/stored-tensor.js";
import type { Binding, Part } from "../models/weights.js";
import { VitreousError } from "../onnx/errors.js";
import type { Tensor } from "../onnx/graph.js";
import { elementCount, tensorToFloat32 } from "../onnx/tensor.js";
import { depthsOf } from "./layer-decay.js";
import { decays } from "./weight-decay.js";

/** An array that the optimiser changes. */
export interface Parameter {
  /** Of the graph's constant, or of the checkpoint's tensor where the constant is computed. */
  readonly name: string;
  readonly dims: readonly number[];
  /** As they are before training; never written to. */
  readonly values: Float32Array;
  /** Whether weight decay applies. */
  readonly decay: boolean;
  /** 0 for the embeddings … blocks + 1 for the head. */
  readonly depth: number;
  /** Whether the graph takes it as it is, as the input of this name. */
  readonly direct: boolean;
}

export type Arrays = ReadonlyMap<string, Float32Array>;

export interface CheckpointTensor {
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

export interface ParameterSet {
  readonly parameters: readonly Parameter[];
  /** Transformer blocks of the model. */
  readonly blocks: number;
  /** The graph's constants that change: inputs of the step graph. */
  readonly trained: ReadonlySet<string>;
  /** Those of them that are computed from parameters, with their shapes. */
  readonly computed: ReadonlyMap<string, readonly number[]>;
  /** The computed constants, from the parameters that are not direct. */
  readonly compute: (parameters: Arrays) => Map<string, Float32Array>;
  /**
   * The gradients of the parameters that are not direct, from those of the computed constants and those parameters'
   * values.
   */
  readonly gather: (gradients: Arrays, parameters: Arrays) => Map<string, Float32Array>;
  /** The checkpoint's tensors that are trained, by their own names and in their own layout. */
  readonly tensors: (parameters: Arrays) => Map<string, CheckpointTensor>;
}

export interface ParameterOptions {
  /** Tensors of the checkpoint that keep their values; none by default. */
  readonly frozen?: (tensor: string) => boolean;
  /** Tensors that weight decay applies to; `decays` of weight-decay.ts by default. */
  readonly decayed?: (tensor: string, dims: readonly number[]) => boolean;
}

/** What of a model its parameters are found in. */
type Built = Pick<BuiltModel, "model" | "bindings">;

/** A constant whose parts are trained, or some of them. */
interface Computed {
  readonly name: string;
  readonly dims: readonly number[];
  readonly binding: Binding;
}

/**
 * @param tensors the checkpoint that the model was built from; read where a constant is computed from them
 * @throws VitreousError where nothing is left to train
 */
export async function parameterSet(
  built: Built,
  tensors: StoredTensors,
  options: ParameterOptions = {},
): Promise<ParameterSet> {
  return (await parameterSets(built, [], tensors, options)).own;
}

/**
 * The parameters that several graphs of one checkpoint share, such as those for several image sizes: a constant that one
 * of them computes from a tensor and another takes as it is is computed in all of them.
 *
 * @returns a set for the first and one for each of the others, with the same `parameters`
 * @throws VitreousError where nothing is left to train
 */
export async function parameterSets(
  built: Built,
  others: readonly Built[],
  tensors: StoredTensors,
  { frozen = () => false, decayed = decays }: ParameterOptions = {},
): Promise<{ readonly own: ParameterSet; readonly others: readonly ParameterSet[] }> {
  const movingIn = ({ bindings }: Built): [string, Binding][] =>
    [...bindings].filter(([, { parts }]) => parts.some(({ name }) => !frozen(name)));
  const moving = movingIn(built);
  if (moving.length === 0)
    throw new VitreousError("Every tensor of the model is frozen: there is nothing to train.");
  const depths = depthsOf([...built.bindings.values()].flatMap(({ parts }) => parts.map(({ name }) => name)));
  const traits = ({ name, dims }: Part) => ({ decay: decayed(name, dims), depth: depths.depthOf(name) });
  const alike = ({ parts }: Binding): boolean =>
    new Set(parts.map((part) => JSON.stringify(traits(part)))).size === 1;
  const counts = [built, ...others].map((one) => ({ one, uses: usesIn(one) }));
  /** Whether the constant may be trained in the place of its tensors. */
  const isDirect = (constant: string, binding: Binding): boolean =>
    alike(binding) &&
    counts.every(({ one, uses }) => {
      const same = one.bindings.get(constant);
      return (
        same?.kind === "rearranged" &&
        same.parts.map(({ name }) => name).join() === binding.parts.map(({ name }) => name).join() &&
        binding.parts.every(({ name }) => !frozen(name) && uses.get(name) === 1)
      );
    });
  const direct = new Set(moving.flatMap(([name, binding]) => (isDirect(name, binding) ? [name] : [])));

  const parameters: Parameter[] = [];
  const rearranged: Computed[] = [];
  const kept = new Map<string, Float32Array>();
  const trainedParts = new Map<string, readonly number[]>();
  const addParts = async ({ parts }: Binding): Promise<void> => {
    for (const part of parts) {
      if (trainedParts.has(part.name) || kept.has(part.name)) continue;
      const values = await read(tensors, part);
      if (frozen(part.name)) kept.set(part.name, values);
      else {
        trainedParts.set(part.name, part.dims);
        parameters.push({ name: part.name, dims: part.dims, values, ...traits(part), direct: false });
      }
    }
  };
  for (const [name, binding] of moving) {
    const constant = constantOf(built, name);
    const { dims } = constant;
    const [first] = binding.parts;
    if (first !== undefined && direct.has(name)) {
      parameters.push({ name, dims, values: tensorToFloat32(constant), ...traits(first), direct: true });
      rearranged.push({ name, dims, binding });
    } else await addParts(binding);
  }
  for (const other of others)
    for (const [name, binding] of movingIn(other)) if (!direct.has(name)) await addParts(binding);

  const partsOf = ({ parts }: Binding, values: Arrays): readonly Float32Array[] =>
    parts.map(({ name }) => kept.get(name) ?? arrayOf(values, name));
  const tensorsOf: ParameterSet["tensors"] = (values) => {
    const result = new Map<string, CheckpointTensor>();
    for (const { name, binding } of rearranged) {
      const parts = binding.parts.map(({ dims }) => new Float32Array(elementCount(dims)));
      // The way back of what only changes places is its adjoint, and asks for no values.
      binding.adjoint(arrayOf(values, name), parts, []);
      for (const [i, part] of binding.parts.entries())
        result.set(part.name, { dims: part.dims, values: parts[i] ?? new Float32Array() });
    }
    for (const [name, dims] of trainedParts)
      result.set(name, { dims, values: arrayOf(values, name).slice() });
    return result;
  };

  function setOf(one: Built): ParameterSet {
    const own = movingIn(one);
    const computed = own.flatMap(([name, binding]): Computed[] =>
      direct.has(name) ? [] : [{ name, dims: constantOf(one, name).dims, binding }],
    );
    return {
      parameters,
      blocks: depths.blocks,
      trained: new Set(own.map(([name]) => name)),
      computed: new Map(computed.map(({ name, dims }) => [name, dims])),
      compute: (values) =>
        new Map(
          computed.map(({ name, dims, binding }) => {
            const out = new Float32Array(elementCount(dims));
            binding.compute(partsOf(binding, values), out);
            return [name, out];
          }),
        ),
      gather: (gradients, values) => {
        const sums = zeros(trainedParts);
        for (const { name, binding } of computed) {
          const parts = binding.parts.map(
            (part) => sums.get(part.name) ?? new Float32Array(elementCount(part.dims)),
          );
          binding.adjoint(arrayOf(gradients, name), parts, partsOf(binding, values));
        }
        return sums;
      },
      tensors: tensorsOf,
    };
  }
  return { own: setOf(built), others: others.map(setOf) };
}

/** How many constants each tensor is a part of. */
function usesIn({ bindings }: Built): ReadonlyMap<string, number> {
  const uses = new Map<string, number>();
  for (const { parts } of bindings.values())
    for (const { name } of parts) uses.set(name, (uses.get(name) ?? 0) + 1);
  return uses;
}

function constantOf({ model }: Built, name: string): Tensor {
  const constant = model.graph.constants.get(name);
  if (constant === undefined) throw new RangeError(`the graph has no constant ${name}`);
  return constant;
}

async function read(tensors: StoredTensors, { name }: Part): Promise<Float32Array> {
  const tensor = tensors.get(name);
  if (tensor === undefined)
    throw new VitreousError(`The checkpoint has no tensor "${name}", which is to be trained.`);
  const bytes = new Uint8Array(byteLength(tensor));
  await tensor.readInto(bytes);
  return tensorToFloat32({ dtype: tensor.dtype, dims: tensor.dims, bytes });
}

function zeros(shapes: ReadonlyMap<string, readonly number[]>): Map<string, Float32Array> {
  return new Map([...shapes].map(([name, dims]) => [name, new Float32Array(elementCount(dims))]));
}

function arrayOf(arrays: Arrays, name: string): Float32Array {
  const array = arrays.get(name);
  if (array === undefined) throw new RangeError(`no values were given for ${name}`);
  return array;
}

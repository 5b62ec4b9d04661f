/**
 * @file What the worker keeps of the parameters. ONNX Runtime reads weights and writes gradients in place, and the
 * optimiser goes over all of them at once: each role has one flat array, with the same places in each.
 *
 * @import { OnnxValue, Tensor as OrtTensor } from "onnxruntime-node"
 * @import { GraphPlan, Plan, Role } from "./protocol.js"
 */

/** ONNX Runtime's kernels like arrays that begin at a cache line. */
const LINE = 16;

/** @param {readonly number[]} dims */
export const countOf = (dims) => dims.reduce((product, dim) => product * dim, 1);

/**
 * Everything that is kept of the parameters: a flat array for each role, with the same places in each.
 *
 * @param {Plan} plan
 */
export function storeOf(plan) {
  let length = 0;
  const places = plan.parameters.map((parameter) => {
    const from = length;
    const to = from + countOf(parameter.dims);
    length = Math.ceil(to / LINE) * LINE;
    return { parameter, from, to };
  });
  const flat = () => new Float32Array(length);
  const roles = {
    parameters: flat(),
    firstMoments: flat(),
    secondMoments: flat(),
    averages: plan.averaged ? flat() : new Float32Array(0),
  };
  return {
    places,
    roles,
    gradients: flat(),
    /** Of several runs; made when the first step has several. */
    sums: /** @type {Float32Array | undefined} */ (undefined),
    /** Whether the step's gradients are in `sums`. */
    accumulated: false,
  };
}

/** @typedef {ReturnType<typeof storeOf>} Store */

/**
 * The gradients that ONNX Runtime wrote in place need nothing; two constants that are only added up share an output.
 *
 * @param {Store} store
 * @param {GraphPlan["gradients"]} outputs
 * @param {Readonly<Record<string, OrtTensor>>} fetches
 */
export function place({ places, gradients }, outputs, fetches) {
  for (const { parameter, from, to } of places) {
    const output = outputs.get(parameter.name);
    if (output === undefined) continue;
    const own = floats(fetches, output);
    if (own.length !== to - from) throw new Error(`The gradient of '${parameter.name}' has another shape.`);
    if (own.buffer !== gradients.buffer || own.byteOffset !== 4 * from) gradients.set(own, from);
  }
}

/** @param {Store} store @param {boolean} first */
export function accumulate(store, first) {
  const { gradients } = store;
  store.sums ??= new Float32Array(gradients.length);
  const { sums } = store;
  if (first) sums.set(gradients);
  else for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (gradients[i] ?? 0);
}

/**
 * @param {Store} store
 * @param {Role} role
 * @param {ReadonlyMap<string, Float32Array>} arrays
 * @param {string} prefix
 */
export function fill({ places, roles }, role, arrays, prefix) {
  for (const { parameter, from, to } of places) {
    const array = arrays.get(prefix + parameter.name);
    if (array?.length !== to - from)
      throw new Error(`No values of the right length for '${prefix}${parameter.name}'.`);
    roles[role].set(array, from);
  }
}

/**
 * @param {Readonly<Record<string, OnnxValue>>} values
 * @param {string} name
 * @returns {Float32Array}
 */
export function floats(values, name) {
  const data = /** @type {OrtTensor | undefined} */ (values[name])?.data;
  if (!(data instanceof Float32Array)) throw new Error(`Output '${name}' was not computed as float32.`);
  return data;
}

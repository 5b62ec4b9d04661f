/**
 * @file Checks what a session is fed before it crosses to the worker. ONNX Runtime checks too, but its messages
 * do not say what to do, and a wrong name is silently ignored.
 */
import { VitreousError } from "../onnx/errors.js";
import type { ArrayData, Feeds, NdArray } from "./runtime.js";
import type { Port } from "./worker/protocol.js";

/** The typed array that carries each type. */
export const arrayTypes = {
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  float64: Float64Array,
} as const satisfies Record<NdArray["dtype"], { new (length: number): ArrayData; name: string }>;

const shapeText = (dims: readonly (number | string)[]): string => `[${dims.join(", ")}]`;
const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(", ") || "none";

/** Throws `VitreousError` unless the feeds are exactly what the graph's inputs take. */
export function checkFeeds(inputs: readonly Port[], feeds: Feeds): void {
  const known = new Map(inputs.map((input) => [input.name, input]));
  for (const name of Object.keys(feeds)) {
    if (!known.has(name)) {
      throw new VitreousError(
        `The model has no input '${name}'; its inputs are ${quoted([...known.keys()])}.`,
      );
    }
  }
  for (const input of inputs) {
    const array = feeds[input.name];
    if (array === undefined) {
      throw new VitreousError(
        `The model's input '${input.name}' was not given; give all of ${quoted([...known.keys()])}.`,
      );
    }
    checkArray(input, array);
  }
}

function checkArray({ name, dtype, dims }: Port, array: NdArray): void {
  if (array.dtype !== dtype) {
    throw new VitreousError(`The model's input '${name}' is ${dtype}, but was given ${array.dtype} values.`);
  }
  const { dims: given, data } = array;
  const fits =
    given.length === dims.length && dims.every((dim, axis) => typeof dim === "string" || dim === given[axis]);
  if (!fits) {
    throw new VitreousError(
      `The model's input '${name}' has the shape ${shapeText(dims)}, but was given an array of shape ${shapeText(given)}.`,
    );
  }
  const length = given.reduce((product, dim) => product * dim, 1);
  if (!(data instanceof arrayTypes[array.dtype]) || data.length !== length) {
    throw new VitreousError(
      `The array given for the input '${name}' says it holds ${length} ${array.dtype} values of shape ` +
        `${shapeText(given)}, but carries ${data.length} in a ${data.constructor.name}.`,
    );
  }
}

/** Throws `VitreousError` for a name that is no output of the graph. */
export function checkOutputs(outputs: readonly Port[], names: readonly string[]): void {
  const known = outputs.map(({ name }) => name);
  for (const name of names) {
    if (!known.includes(name)) {
      throw new VitreousError(`The model has no output '${name}'; its outputs are ${quoted(known)}.`);
    }
  }
}

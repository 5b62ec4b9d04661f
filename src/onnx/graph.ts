/**
 * @file The graph as plain typed values. Everything in Vitreous that looks at a model, differentiates it or
 * runs it works on these immutable records; passes take a Graph and return a Graph, sharing what they keep.
 */
import type { Shape } from "./dim.js";

export type DataType =
  | "float32"
  | "float16"
  | "bfloat16"
  | "float64"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "bool"
  | "string"
  | "other";

/**
 * A constant. `bytes` is the row-major little-endian content exactly as ONNX's raw_data has it: usually a view
 * into the model file, so it is never copied before it is written or run. May be unaligned: read it with
 * the functions of tensor.ts. (bool: one byte an element; string tensors are kept in `strings`.)
 */
export interface Tensor {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
  readonly strings?: readonly string[];
}

/** Kinds of attributes that have a value of their own. */
export type ValueKind = "int" | "float" | "string" | "tensor" | "graph" | "ints" | "floats" | "strings";

export type Attribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "tensor"; readonly value: Tensor }
  | { readonly kind: "graph"; readonly value: Graph }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "floats"; readonly value: readonly number[] }
  | { readonly kind: "strings"; readonly value: readonly string[] }
  /** Stands for an attribute, of kind `of`, of the enclosing local function; gone after inlining. */
  | { readonly kind: "reference"; readonly value: string; readonly of?: ValueKind };

export interface Node {
  readonly op: string;
  /** "" is ai.onnx. */
  readonly domain: string;
  readonly name: string;
  /** Value names; "" stands for an absent optional input. */
  readonly inputs: readonly string[];
  /** Value names; "" stands for an output nobody wants. */
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Which overload of a local function it calls, if any; gone after inlining. */
  readonly overload?: string;
  /** Where the exporter says the node comes from (module path), when it says so: metadata_props or the node's name. */
  readonly scope?: string;
}

export interface ValueType {
  readonly dtype: DataType;
  readonly shape: Shape | undefined;
}

export interface ValueInfo extends ValueType {
  readonly name: string;
}

export interface Graph {
  readonly name: string;
  /** Real inputs only: initialisers are never listed here. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** In topological order. */
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Types of values as far as inferred; empty before shape inference. Includes inputs, constants and node outputs. */
  readonly types: ReadonlyMap<string, ValueType>;
}

export interface LocalFunction {
  readonly domain: string;
  readonly name: string;
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly string[];
  readonly defaults: Readonly<Record<string, Attribute>>;
  readonly nodes: readonly Node[];
  readonly opsets: ReadonlyMap<string, number>;
}

/** A model file: a graph with the operator sets its nodes are written in. */
export interface Model {
  readonly irVersion: number;
  /** Domain → version; "" is ai.onnx. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: Graph;
  /** Model-local functions; empty after inlining. */
  readonly functions: readonly LocalFunction[];
}

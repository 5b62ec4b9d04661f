/**
 * @file Reading attributes: an absent attribute has the default that ONNX gives it, and one of the wrong kind is
 * as good as absent (a model that ONNX Runtime would refuse anyway).
 */
import type { Attribute, Graph, Node, Tensor } from "./graph.js";

export function intAttribute(node: Node, name: string): number | undefined;
export function intAttribute(node: Node, name: string, fallback: number): number;
export function intAttribute(node: Node, name: string, fallback?: number): number | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === "int" ? attribute.value : fallback;
}

export function floatAttribute(node: Node, name: string): number | undefined;
export function floatAttribute(node: Node, name: string, fallback: number): number;
export function floatAttribute(node: Node, name: string, fallback?: number): number | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === "float" || attribute?.kind === "int" ? attribute.value : fallback;
}

export function stringAttribute(node: Node, name: string): string | undefined;
export function stringAttribute(node: Node, name: string, fallback: string): string;
export function stringAttribute(node: Node, name: string, fallback?: string): string | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === "string" ? attribute.value : fallback;
}

export function intsAttribute(node: Node, name: string): readonly number[] | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === "ints" ? attribute.value : undefined;
}

export function floatsAttribute(node: Node, name: string): readonly number[] | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === "floats" ? attribute.value : undefined;
}

export function tensorAttribute(node: Node, name: string): Tensor | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === "tensor" ? attribute.value : undefined;
}

export function graphAttribute(node: Node, name: string): Graph | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === "graph" ? attribute.value : undefined;
}

export const int = (value: number): Attribute => ({ kind: "int", value });
export const float = (value: number): Attribute => ({ kind: "float", value });
export const ints = (value: readonly number[]): Attribute => ({ kind: "ints", value });
export const string = (value: string): Attribute => ({ kind: "string", value });

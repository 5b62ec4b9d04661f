/**
 * @file Collects the summands of each value's gradient as they arrive, and adds them up once all are there: boxes
 * side by side, linear layers in one product, spread values by broadcasting.
 */
import { areDisjoint, fillBox, joinBoxes } from "./boxes.js";
import type { Emitter } from "./emitter.js";
import { multiplyOut } from "./linear.js";
import type { Box, Contribution, Linear, Spread } from "./rule.js";

interface Sorted {
  readonly dense: readonly string[];
  readonly boxes: readonly Box[];
  readonly linear: readonly Linear[];
  readonly spread: readonly Spread[];
}

function sort(contributions: readonly Contribution[]): Sorted {
  const of = <K extends "box" | "linear" | "spread">(kind: K) =>
    contributions.filter(
      (c): c is Extract<Contribution, { kind: K }> => typeof c !== "string" && c.kind === kind,
    );
  return {
    dense: contributions.filter((c) => typeof c === "string"),
    boxes: of("box"),
    linear: of("linear"),
    spread: of("spread"),
  };
}

export class Accumulator {
  readonly #emit: Emitter;
  readonly #pending = new Map<string, Contribution[]>();
  readonly #sums = new Map<string, string>();

  constructor(emit: Emitter) {
    this.#emit = emit;
  }

  add(value: string, contribution: Contribution): void {
    const list = this.#pending.get(value);
    if (list) list.push(contribution);
    else this.#pending.set(value, [contribution]);
  }

  has(value: string): boolean {
    return this.#pending.has(value);
  }

  /** The summands as linear pieces, if they are nothing else and were not added up already. */
  linear(value: string): readonly Linear[] | undefined {
    const contributions = this.#pending.get(value) ?? [];
    const { linear } = sort(contributions);
    const only = linear.length > 0 && linear.length === contributions.length && !this.#sums.has(value);
    return only ? linear : undefined;
  }

  /** The gradient of a value in full; undefined where nothing arrived. Call it once all consumers are done. */
  sum(value: string): string | undefined {
    const known = this.#sums.get(value);
    if (known !== undefined) return known;
    const contributions = this.#pending.get(value);
    if (contributions === undefined) return undefined;
    const sum = this.#total(value, sort(contributions));
    this.#sums.set(value, sum);
    return sum;
  }

  #total(value: string, { dense, boxes, linear, spread }: Sorted): string {
    const emit = this.#emit;
    const full = [
      ...dense,
      ...(linear.length > 0 ? [multiplyOut(emit, linear)] : []),
      ...this.#boxes(value, boxes),
    ];
    const terms = spread.map((s) => s.value);
    if (full.length === 0) return this.#expand(terms.reduce(emit.add), value);
    return [...full, ...terms].reduce(emit.add);
  }

  #boxes(value: string, boxes: readonly Box[]): readonly string[] {
    const rank = this.#emit.shape(value)?.length ?? 0;
    const joined = areDisjoint(boxes) ? [joinBoxes(this.#emit, boxes, rank)] : boxes;
    return joined.flatMap((piece) => {
      if (piece === undefined) return [];
      return [typeof piece === "string" ? piece : fillBox(this.#emit, piece, rank)];
    });
  }

  #expand(term: string, value: string): string {
    return this.#emit.op("Expand", [term, this.#emit.op("Shape", [value])]);
  }
}

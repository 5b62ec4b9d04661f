/**
 * @file The parts of values that a rewritten graph has computed, and how a consumer gets at the part it reads: out
 * of a larger part by a Slice, out of one that is zero around it by a Pad, each written once.
 */
import type { GraphBuilder } from "../builder.js";
import { type Dim, isStatic, type Shape } from "../dim.js";
import { type Box, contains, formatBox, intersect, isWhole, relativeTo, whole } from "./box.js";
import { cut, type Margins, surround } from "./cut.js";
import type { Known } from "./rule.js";

interface Part {
  readonly box: Box;
  readonly name: string;
}

export class Parts {
  readonly #builder: GraphBuilder;
  readonly #known: Known;
  readonly #parts = new Map<string, Part[]>();
  readonly #read = new Map<string, string>();

  constructor(builder: GraphBuilder, known: Known) {
    this.#builder = builder;
    this.#known = known;
  }

  /** Says that a part of a value has been written under a name. */
  add(value: string, box: Box, name: string): void {
    this.#parts.set(value, [...(this.#parts.get(value) ?? []), { box, name }]);
  }

  /** The name of a part of a value; `final`: the name to give it if it has to be written. */
  read(value: string, box: Box, final?: string): string {
    const key = `${value}${formatBox(box)}`;
    const known = this.#read.get(key);
    if (known !== undefined) return known;
    const name = this.#write(value, box, final);
    this.#read.set(key, name);
    return name;
  }

  /** Makes sure that the whole value exists under its own name. */
  settle(value: string): void {
    const name = this.read(value, whole(this.#known.shape(value)), value);
    if (name !== value) this.#builder.add("Identity", [name], {}, { outputs: [value] });
  }

  #write(value: string, box: Box, final: string | undefined): string {
    const shape = this.#known.shape(value) ?? [];
    const support = this.#known.support(value);
    const nonzero = (support && intersect(box, support)) ?? box;
    // A whole that has not been written yet has its own name free.
    const own = final ?? (isWhole(box) ? value : undefined);
    const options = own === undefined ? { hint: value } : { outputs: [own] };
    if (this.#known.constant(value)) return cut(this.#builder, value, box, options);
    // What no node made is an input or a constant: it is there whole.
    const parts = this.#parts.get(value) ?? [{ box: whole(this.#known.shape(value)), name: value }];
    const part = parts.find((p) => contains(p.box, nonzero));
    if (part === undefined) throw new Error(`no part of ${value} holds ${formatBox(box)}`);
    // A part that holds zeros too is taken as it is, rather than cut down to be padded again.
    const taken = intersect(part.box, box) ?? box;
    const inner = relativeTo(taken, part.box, shape);
    if (contains(taken, box)) return cut(this.#builder, part.name, inner, options);
    const piece = cut(this.#builder, part.name, inner);
    return surround(this.#builder, piece, marginsOf(taken, box, shape), options);
  }
}

/** The zeros to put around a part to get a larger one. */
function marginsOf(inner: Box, outer: Box, shape: Shape): Margins {
  return outer.map((range, axis) => {
    const part = inner[axis] ?? null;
    const end: Dim | undefined = range?.[1] ?? shape[axis];
    return part === null || !isStatic(end) ? [0, 0] : [part[0] - (range?.[0] ?? 0), end - part[1]];
  });
}

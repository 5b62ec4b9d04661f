/**
 * @file The parts of values that a rewritten graph has computed, and how a consumer gets at the part it reads: out
 * of a larger part by a Slice, out of one that is zero around it by a Pad, each written once.
 */
import type { GraphBuilder } from "../builder.js";
import { type Dim, isStatic, type Shape } from "../dim.js";
import { type Box, contains, formatBox, intersect, isWhole, relativeTo, whole } from "./box.js";
import type { Known } from "./rule.js";
import { sliceTensor } from "./slice-tensor.js";

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
    const tensor = this.#known.constant(value);
    if (tensor !== undefined && !isWhole(box)) {
      const slice = sliceTensor(tensor, box);
      if (slice !== undefined) return this.#builder.constant(slice, value);
    }
    // What no node made is an input or a constant: it is there whole.
    const parts = this.#parts.get(value) ?? [{ box: whole(this.#known.shape(value)), name: value }];
    const part = parts.find((p) => contains(p.box, tensor ? box : nonzero));
    if (part === undefined) throw new Error(`no part of ${value} holds ${formatBox(box)}`);
    // A part that holds zeros too is taken as it is, rather than cut down to be padded again.
    const taken = intersect(part.box, box) ?? box;
    const padded = !contains(taken, box);
    const cut = this.#slice(part.name, relativeTo(taken, part.box, shape), padded ? undefined : final);
    return padded ? this.#pad(cut, taken, box, shape, final) : cut;
  }

  #slice(name: string, box: Box, final: string | undefined): string {
    if (isWhole(box)) return name;
    const axes = box.flatMap((range, axis) => (range === null ? [] : [axis]));
    const starts = axes.map((axis) => box[axis]?.[0] ?? 0);
    const ends = axes.map((axis) => box[axis]?.[1] ?? 0);
    const bounds = [starts, ends, axes].map((values) => this.#builder.ints(values));
    return this.#builder.add("Slice", [name, ...bounds], {}, final ? { outputs: [final] } : { hint: name });
  }

  /** Puts zeros around a part up to a larger one. */
  #pad(name: string, inner: Box, outer: Box, shape: Shape, final: string | undefined): string {
    const sides = outer.map((range, axis): readonly [number, number] => {
      const part = inner[axis] ?? null;
      const end: Dim | undefined = range?.[1] ?? shape[axis];
      return part === null || !isStatic(end) ? [0, 0] : [part[0] - (range?.[0] ?? 0), end - part[1]];
    });
    const pads = this.#builder.ints([...sides.map(([before]) => before), ...sides.map(([, after]) => after)]);
    return this.#builder.add("Pad", [name, pads], {}, final ? { outputs: [final] } : { hint: name });
  }
}

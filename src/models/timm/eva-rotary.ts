/** @file Which rotary positions timm's Eva has, by its arguments: fixed along the axes, or learned for each head of each block. */
import type { Size } from "../architecture.js";
import type { AttentionExtras } from "../attention.js";
import type { Site } from "../layers.js";
import {
  addToFrequencies,
  axialAngles,
  centredCoordinates,
  fillRotation,
  fixedRotation,
  gradientOfAngles,
  indexCoordinates,
  mixedAngles,
  type Rotation,
  rotate,
} from "../rotary.js";
import type { EvaArguments } from "./eva-arguments.js";

/** Rotary frequencies learned for each block, head and axis: [2, depth, heads, width / 2]. */
const FREQUENCIES = "rope.freqs";

/** Pairs of neighbours become pairs of one from each half. */
const neighboursApart = (width: number): readonly number[] =>
  Array.from({ length: width }, (_, i) => (i < width / 2 ? 2 * i : 2 * i - width + 1));

/** The rotation of each block, and its constants. */
function rotations(site: Site, args: EvaArguments, grid: Size, prefix: number): (index: number) => Rotation {
  const { graph, weights } = site;
  const { embed_dim, num_heads: heads, depth, rope_grid_offset: offset } = args;
  const width = embed_dim / heads;
  const patches = grid[0] * grid[1];
  const columnsFirst = args.rope_grid_indexing === "xy";
  if (args.rope !== "mixed") {
    const coordinates =
      args.rope === "dinov3"
        ? centredCoordinates(grid, offset)
        : indexCoordinates(grid, offset, args.ref_feat_shape ?? undefined);
    const factor = args.rope === "dinov3" ? 2 * Math.PI : 1;
    const options = { width, temperature: args.rope_temperature, factor, columnsFirst };
    const shape = { prefix, patches, width, heads: 1 };
    const rotation = fixedRotation(site, "rope", axialAngles(coordinates, options), shape);
    return () => rotation;
  }
  const positions = Array.from({ length: patches }, (_, patch): readonly [number, number] => {
    const [row, column] = [Math.floor(patch / grid[1]), patch % grid[1]];
    return columnsFirst ? [column, row] : [row, column];
  });
  const each = (heads * width) / 2;
  const parts = [{ name: FREQUENCIES, dims: [2, depth, heads, width / 2] }];
  const dims = [prefix + patches, heads, width];
  const shape = { prefix, patches, width, heads };
  return (index) => {
    /** The block's own frequencies along both axes. */
    const own = (all: Float32Array) => {
      const of = (axis: number) =>
        all.subarray((axis * depth + index) * each, (axis * depth + index + 1) * each);
      return [of(0), of(1)] as const;
    };
    const anglesOf = ([all = new Float32Array()]: readonly Float32Array[]) =>
      mixedAngles(positions, own(all), heads);
    const constant = (kind: "cos" | "sin"): string => {
      const name = graph.fresh(`rope.${index}.${kind}`);
      const value = weights.derive(
        parts,
        dims,
        (values, out) => fillRotation(out, anglesOf(values), shape, kind),
        (out, [to], values) => {
          const gradient = gradientOfAngles(out, anglesOf(values), shape, kind);
          if (to) addToFrequencies(gradient, positions, own(to), heads);
        },
      );
      graph.define(name, value);
      return name;
    };
    return { cos: constant("cos"), sin: constant("sin") };
  };
}

/** What attention has beside its weights in block `index`; nothing without rotary positions. */
export function rotaryAttention(
  site: Site,
  args: EvaArguments,
  grid: Size,
  prefix: number,
): (index: number) => AttentionExtras {
  if (args.rope === undefined) return () => ({});
  const width = args.embed_dim / args.num_heads;
  const of = rotations(site, args, grid, prefix);
  const order = args.rope_rotate_half ? undefined : neighboursApart(width);
  return (index) => {
    const rotation = of(index);
    return { order, rotate: (x) => rotate(site, `blocks.${index}.attn`, rotation, x, width) };
  };
}

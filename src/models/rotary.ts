/**
 * @file Rotary position embedding of patches: pairs of a head's features are turned by angles that grow with the patch's
 * position (Su et al., 2021; for images Heo et al., 2024). The angles depend on the grid alone, so their cosines and
 * sines are constants of the graph, for prefix tokens too, which are turned by nothing.
 */
import { elementCount, float32Tensor } from "../onnx/tensor.js";
import type { Size } from "./architecture.js";
import { int, layer, type Site } from "./layers.js";

const { fround } = Math;

/** Positions along the two axes of the patch grid. */
export interface Coordinates {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

/** Indices 0, 1, …, plus `offset`; stretched to those of the grid `reference` where one is given (EVA-02). */
export function indexCoordinates(grid: Size, offset = 0, reference?: Size): Coordinates {
  const along = (axis: 0 | 1) =>
    Array.from({ length: grid[axis] }, (_, i) =>
      reference === undefined
        ? fround(i + offset)
        : fround(fround(fround(i + offset) / grid[axis]) * reference[axis]),
    );
  return { rows: along(0), columns: along(1) };
}

/** Patch centres, −1 … 1 across the image (DINOv3). */
export function centredCoordinates(grid: Size, offset = 0): Coordinates {
  const along = (length: number) =>
    Array.from({ length }, (_, i) => fround(fround(2 * fround((i + 0.5 + offset) / length)) - 1));
  return { rows: along(grid[0]), columns: along(grid[1]) };
}

/**
 * Half of a head's features turn with one axis, half with the other, at frequencies factor · temperature^(−i / (width/4)).
 *
 * Rounded as PyTorch rounds: positions far from 0 turn so often that the last bit of an angle is seen in the logits.
 *
 * @param columnsFirst the columns' angles stand in front ("xy"), not the rows' ("ij")
 * @returns [patches, width / 2] in raster order
 */
export function axialAngles(
  { rows, columns }: Coordinates,
  options: {
    readonly width: number;
    readonly temperature: number;
    readonly factor?: number;
    readonly columnsFirst?: boolean;
  },
): Float32Array {
  const { width, temperature, factor = 1, columnsFirst = false } = options;
  const bands = width / 4;
  const frequencies = Array.from({ length: bands }, (_, i) =>
    fround(1 / fround(temperature ** fround(i / bands))),
  );
  const angles = new Float32Array(rows.length * columns.length * 2 * bands);
  let at = 0;
  for (const row of rows) {
    for (const column of columns) {
      for (const position of columnsFirst ? [column, row] : [row, column]) {
        for (const frequency of frequencies) angles[at++] = fround(factor * position) * frequency;
      }
    }
  }
  return angles;
}

/**
 * Angles [heads, patches, width / 2] with frequencies learned for both axes together (mixed rotary embedding, Heo et al.,
 * 2024).
 *
 * @param first,second positions of the two axes, each with frequencies of its own
 * @param frequencies two of [heads, width / 2]: of `first` and `second`
 */
export function mixedAngles(
  positions: readonly (readonly [first: number, second: number])[],
  frequencies: readonly [first: Float32Array, second: Float32Array],
  heads: number,
): Float32Array {
  const half = frequencies[0].length / heads;
  const angles = new Float32Array(frequencies[0].length * positions.length);
  let at = 0;
  for (let head = 0; head < heads; head++) {
    for (const [first, second] of positions) {
      for (let i = head * half; i < (head + 1) * half; i++) {
        angles[at++] = fround(first * (frequencies[0][i] ?? 0)) + fround(second * (frequencies[1][i] ?? 0));
      }
    }
  }
  return angles;
}

/** The adjoint of `mixedAngles`: adds to the gradients of both axes' frequencies what the gradient by the angles makes them. */
export function addToFrequencies(
  gradient: Float32Array,
  positions: readonly (readonly [first: number, second: number])[],
  frequencies: readonly [first: Float32Array, second: Float32Array],
  heads: number,
): void {
  const [toFirst, toSecond] = frequencies;
  const half = toFirst.length / heads;
  let at = 0;
  for (let head = 0; head < heads; head++) {
    for (const [first, second] of positions) {
      for (let i = head * half; i < (head + 1) * half; i++) {
        const by = gradient[at++] ?? 0;
        toFirst[i] = (toFirst[i] ?? 0) + first * by;
        toSecond[i] = (toSecond[i] ?? 0) + second * by;
      }
    }
  }
}

/** How the rotation of one block, or of all, is laid out. */
export interface RotationShape {
  readonly prefix: number;
  readonly patches: number;
  /** Features of a head. */
  readonly width: number;
  /** 1 where all heads turn alike. */
  readonly heads: number;
}

/** The two constants of a rotation, each [tokens, heads, width]. */
export interface Rotation {
  readonly cos: string;
  /** The sine, negative for the first half of the features. */
  readonly sin: string;
}

/** [tokens, heads, width]: what `of` gives of an angle for patches, `still` for prefix tokens. */
export function fillRotation(
  out: Float32Array,
  angles: Float32Array,
  { prefix, patches, width, heads }: RotationShape,
  kind: "cos" | "sin",
): void {
  const half = width / 2;
  if (kind === "cos") out.fill(1, 0, prefix * heads * width);
  for (let head = 0; head < heads; head++) {
    for (let patch = 0; patch < patches; patch++) {
      const to = ((prefix + patch) * heads + head) * width;
      const from = (head * patches + patch) * half;
      for (let i = 0; i < half; i++) {
        const angle = angles[from + i] ?? 0;
        out[to + i] = kind === "cos" ? Math.cos(angle) : -Math.sin(angle);
        out[to + half + i] = kind === "cos" ? Math.cos(angle) : Math.sin(angle);
      }
    }
  }
}

/** The way back of `fillRotation`: the gradient by the angles [heads, patches, width / 2]. */
export function gradientOfAngles(
  out: Float32Array,
  angles: Float32Array,
  { prefix, patches, width, heads }: RotationShape,
  kind: "cos" | "sin",
): Float32Array {
  const half = width / 2;
  const gradient = new Float32Array(angles.length);
  for (let head = 0; head < heads; head++) {
    for (let patch = 0; patch < patches; patch++) {
      const to = ((prefix + patch) * heads + head) * width;
      const from = (head * patches + patch) * half;
      for (let i = 0; i < half; i++) {
        const [first, second] = [out[to + i] ?? 0, out[to + half + i] ?? 0];
        const angle = angles[from + i] ?? 0;
        gradient[from + i] =
          kind === "cos" ? -(first + second) * Math.sin(angle) : (second - first) * Math.cos(angle);
      }
    }
  }
  return gradient;
}

/** The constants of a rotation by angles that do not depend on the checkpoint, [patches, width / 2]. */
export function fixedRotation(
  { graph }: Site,
  scope: string,
  angles: Float32Array,
  shape: RotationShape,
): Rotation {
  const dims = [shape.prefix + shape.patches, shape.heads, shape.width];
  const constant = (kind: "cos" | "sin") => {
    const out = new Float32Array(elementCount(dims));
    fillRotation(out, angles, shape, kind);
    return graph.constant(float32Tensor(dims, out), `${scope}.${kind}`);
  };
  return { cos: constant("cos"), sin: constant("sin") };
}

/**
 * x [n, tokens, heads, width] turned: feature i of the first half of a head's features together with feature i of the
 * second half.
 */
export function rotate(site: Site, scope: string, { cos, sin }: Rotation, x: string, width: number): string {
  const halves = site.graph.addMany(
    "Split",
    [x, site.graph.ints([width / 2, width / 2])],
    2,
    { axis: int(3) },
    { scope, hint: `${scope}.rotate` },
  );
  const swapped = layer(site, scope, "Concat", [...halves].reverse(), { axis: int(3) });
  const straight = layer(site, scope, "Mul", [x, cos]);
  return layer(site, scope, "Add", [straight, layer(site, scope, "Mul", [swapped, sin])]);
}

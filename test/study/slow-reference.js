/**
 * @file A study's numbers a second time, by the formulas and as slowly as they read: a ViT in plain double-precision
 * arithmetic, one image and one forward at a time, derivatives by differences of the logit, pixels exchanged one by one.
 * It shares no code with what it is held against. Tiny models only.
 */
import { readFileSync } from "node:fs";

/** @typedef {number[]} Vector */
/** @typedef {Vector[]} Matrix rows of columns */
/** @typedef {{ layer: number, head: number | null, row: number, column: number, by: number }} Nudge head null: the layer's norm1 */
/** @typedef {{ logits: Vector, norm1: Matrix[], attention: Matrix[][] }} Pass */

const MEAN = 0.5;
const DEVIATION = 0.5;

/** @param {readonly number[]} a @param {readonly number[]} b */
export const dot = (a, b) => a.reduce((sum, v, i) => sum + v * (b[i] ?? 0), 0);
/** @param {readonly number[]} values */
export const total = (values) => values.reduce((sum, v) => sum + v, 0);
/** @param {number} n */
export const upTo = (n) => Array.from({ length: n }, (_, i) => i);
/** @param {Matrix} m @returns {Matrix} */
export const transpose = (m) => upTo(m[0]?.length ?? 0).map((j) => m.map((row) => row[j] ?? 0));
/** @param {Matrix} a @param {Matrix} b @returns {Matrix} */
const product = (a, b) => {
  const columns = transpose(b);
  return a.map((row) => columns.map((column) => dot(row, column)));
};
/** @param {Matrix} a @param {Matrix} b @returns {Matrix} */
export const sum = (a, b) => a.map((row, i) => row.map((v, j) => v + (b[i]?.[j] ?? 0)));

/** exp(z − max) / Σ @param {readonly number[]} z */
export function softmax(z) {
  const top = Math.max(...z);
  const e = z.map((v) => Math.exp(v - top));
  return e.map((v) => v / total(e));
}

/** By its Taylor series. @param {number} x */
function erf(x) {
  if (Math.abs(x) > 5) return Math.sign(x);
  let term = x;
  let result = x;
  for (let n = 1; Math.abs(term) > 1e-18; n++) {
    term *= (-x * x) / n;
    result += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * result;
}

/** @param {Matrix} m @returns {Matrix} */
export const gelu = (m) => m.map((row) => row.map((u) => (u / 2) * (1 + erf(u / Math.SQRT2))));

/**
 * A Hugging Face checkpoint's config and layers (float32 weights).
 *
 * @param {string} folder
 */
export function readWeights(folder) {
  const config = JSON.parse(readFileSync(`${folder}/config.json`, "utf8"));
  const bytes = readFileSync(`${folder}/model.safetensors`);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, start).toString("utf8"));
  /** @param {string} name @returns {Vector} */
  const vector = (name) => {
    const [from, to] = header[name].data_offsets;
    return upTo((to - from) / 4).map((i) => bytes.readFloatLE(start + from + 4 * i));
  };
  /** @param {string} name @returns {Matrix} [outputs][inputs] */
  const matrix = (name) => {
    const values = vector(name);
    const outputs = header[name].shape[0];
    const inputs = values.length / outputs;
    return upTo(outputs).map((o) => values.slice(o * inputs, (o + 1) * inputs));
  };
  /** @param {string} name */
  const linear = (name) => {
    const weight = matrix(`${name}.weight`);
    const bias = `${name}.bias` in header ? vector(`${name}.bias`) : [];
    /** @param {Matrix} x @returns {Matrix} */
    return (x) => x.map((row) => weight.map((w, o) => dot(row, w) + (bias[o] ?? 0)));
  };
  /** @param {string} name */
  const norm = (name) => {
    const [scale, shift] = [vector(`${name}.weight`), vector(`${name}.bias`)];
    /** @param {Matrix} x @returns {Matrix} */
    return (x) =>
      x.map((row) => {
        const mean = total(row) / row.length;
        const variance = total(row.map((v) => (v - mean) ** 2)) / row.length;
        const root = Math.sqrt(variance + config.layer_norm_eps);
        return row.map((v, i) => ((v - mean) / root) * (scale[i] ?? 0) + (shift[i] ?? 0));
      });
  };
  return { config, vector, matrix, linear, norm };
}

/**
 * A Hugging Face ViT (`ViTForImageClassification`).
 *
 * @param {string} folder
 */
export function readModel(folder) {
  const { config, vector, linear, norm } = readWeights(folder);
  const side = config.image_size;
  const patch = config.patch_size;
  const project = linear("vit.embeddings.patch_embeddings.projection");
  const position = vector("vit.embeddings.position_embeddings");
  const token = vector("vit.embeddings.cls_token");
  const layers = upTo(config.num_hidden_layers).map((l) => {
    const name = `vit.encoder.layer.${l}`;
    return {
      before: norm(`${name}.layernorm_before`),
      query: linear(`${name}.attention.attention.query`),
      key: linear(`${name}.attention.attention.key`),
      value: linear(`${name}.attention.attention.value`),
      out: linear(`${name}.attention.output.dense`),
      after: norm(`${name}.layernorm_after`),
      widen: linear(`${name}.intermediate.dense`),
      narrow: linear(`${name}.output.dense`),
    };
  });
  const last = norm("vit.layernorm");
  const classify = linear("classifier");
  const width = token.length;
  const heads = config.num_attention_heads;

  /** @param {Vector} image [3][side][side] */
  const embed = (image) => {
    const cells = side / patch;
    const patches = upTo(cells * cells).map((p) => {
      const [top, left] = [Math.floor(p / cells) * patch, (p % cells) * patch];
      return upTo(3 * patch * patch).map((i) => {
        const [c, y, x] = [Math.floor(i / (patch * patch)), Math.floor(i / patch) % patch, i % patch];
        return image[(c * side + top + y) * side + left + x] ?? 0;
      });
    });
    return [token, ...project(patches)].map((row, t) =>
      row.map((v, d) => v + (position[t * width + d] ?? 0)),
    );
  };

  /** @param {Matrix} m @param {number} layer @param {number | null} head @param {Nudge | undefined} nudge @returns {Matrix} */
  const nudged = (m, layer, head, nudge) =>
    nudge?.layer === layer && nudge.head === head
      ? m.map((row, i) => row.map((v, j) => (i === nudge.row && j === nudge.column ? v + nudge.by : v)))
      : m;

  /** @param {Vector} image @param {Nudge} [nudge] adds to one number on the way @returns {Pass} */
  const forward = (image, nudge) => {
    /** @type {Pass} */
    const pass = { logits: [], norm1: [], attention: [] };
    let x = embed(image);
    layers.forEach((layer, l) => {
      const n = nudged(layer.before(x), l, null, nudge);
      const [q, k, v] = [layer.query(n), layer.key(n), layer.value(n)];
      const size = width / heads;
      const maps = upTo(heads).map((h) => {
        /** @param {Matrix} m */
        const part = (m) => m.map((row) => row.slice(h * size, (h + 1) * size));
        const scores = product(part(q), transpose(part(k))).map((row) => row.map((s) => s / Math.sqrt(size)));
        const a = nudged(scores.map(softmax), l, h, nudge);
        return { a, context: product(a, part(v)) };
      });
      x = sum(x, layer.out(x.map((_, t) => maps.flatMap(({ context }) => context[t] ?? []))));
      const wide = gelu(layer.widen(layer.after(x)));
      x = sum(x, layer.narrow(wide));
      pass.norm1.push(n);
      pass.attention.push(maps.map(({ a }) => a));
    });
    pass.logits = classify(last(x).slice(0, 1))[0] ?? [];
    return pass;
  };
  return { side, patch, heads, layers: layers.length, forward };
}

/** @typedef {ReturnType<typeof readModel>} Model */
/** @typedef {{ side: number, forward: (image: Vector) => { logits: Vector } }} Classifier */

/** Values 0 to 255, [side][side][3], as a PNG file has them. @param {readonly number[]} pixels @returns {Vector} */
export const normalise = (pixels) =>
  [0, 1, 2].flatMap((c) => pixels.filter((_, i) => i % 3 === c).map((v) => (v / 255 - MEAN) / DEVIATION));

/** ∂z_c/∂(one number), by the difference of two forwards. @param {Model} model @param {Vector} image @param {number} c @param {Omit<Nudge, "by">} where */
function derivative(model, image, c, where) {
  const h = 1e-4;
  /** @param {number} by */
  const logit = (by) => model.forward(image, { ...where, by }).logits[c] ?? 0;
  return (logit(h) - logit(-h)) / (2 * h);
}

/** relu(Σ_d w_d·A_d) over patches, w_d the mean over patches of ∂z_c/∂A; A: the last block's norm1. @param {Model} model @param {Vector} image @param {number} c @returns {Vector} */
export function gradCam(model, image, c) {
  const layer = model.layers - 1;
  const activations = (model.forward(image).norm1[layer] ?? []).slice(1);
  const gradients = activations.map((row, t) =>
    row.map((_, column) => derivative(model, image, c, { layer, head: null, row: t + 1, column })),
  );
  const weights = transpose(gradients).map((g) => total(g) / g.length);
  return activations.map((row) => Math.max(0, dot(row, weights)));
}

/** R[CLS, patches]: F = relu(mean_h(A ⊙ G)), the ⌊0.9·N²⌋ smallest set to 0, rows of (F + I)/2 divided by their sums. @param {Model} model @param {Vector} image @param {number} c @returns {Vector} */
export function gradientRollout(model, image, c) {
  const { attention } = model.forward(image);
  const n = attention[0]?.[0]?.length ?? 0;
  /** @type {Matrix} */
  let rolled = upTo(n).map((i) => upTo(n).map((j) => (i === j ? 1 : 0)));
  attention.forEach((heads, layer) => {
    const fused = upTo(n).map((row) =>
      upTo(n).map((column) => {
        const weighted = heads.map(
          (a, head) => (a[row]?.[column] ?? 0) * derivative(model, image, c, { layer, head, row, column }),
        );
        return Math.max(0, total(weighted) / heads.length);
      }),
    );
    const smallest = upTo(n * n)
      .sort((a, b) => valueAt(fused, a, n) - valueAt(fused, b, n) || a - b)
      .slice(0, Math.floor(0.9 * n * n));
    for (const i of smallest) (fused[Math.floor(i / n)] ?? [])[i % n] = 0;
    const rows = fused.map((row, i) => row.map((v, j) => (v + (i === j ? 1 : 0)) / 2));
    rolled = product(
      rows.map((row) => row.map((v) => v / total(row))),
      rolled,
    );
  });
  return (rolled[0] ?? []).slice(1);
}

/** @param {Matrix} m @param {number} i @param {number} n */
const valueAt = (m, i, n) => m[Math.floor(i / n)]?.[i % n] ?? 0;

/** (M − min)/(1e-7 + max − min) @param {Vector} values */
export function minMax(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return values.map((v) => (v - low) / (1e-7 + (high - low)));
}

/** M/max @param {Vector} values */
export const overMax = (values) => values.map((v) => v / Math.max(...values));

/** Bilinear with half-pixel centres, from a square grid to a square image. @param {Vector} map @param {number} side @returns {Vector} */
export function enlarge(map, side) {
  const cells = Math.sqrt(map.length);
  /** @param {number} i */
  const place = (i) => {
    const at = Math.min(cells - 1, Math.max(0, ((i + 0.5) * cells) / side - 0.5));
    const low = Math.floor(at);
    return { low, high: Math.min(cells - 1, low + 1), share: at - low };
  };
  /** @param {number} y @param {number} x */
  const cell = (y, x) => map[y * cells + x] ?? 0;
  return upTo(side * side).map((i) => {
    const [y, x] = [place(Math.floor(i / side)), place(i % side)];
    const top = cell(y.low, x.low) * (1 - x.share) + cell(y.low, x.high) * x.share;
    const bottom = cell(y.high, x.low) * (1 - x.share) + cell(y.high, x.high) * x.share;
    return top * (1 - y.share) + bottom * y.share;
  });
}

/** 11 taps: scipy.ndimage.gaussian_filter1d(dirac, 5) with its reflecting border. */
function riseTaps() {
  const weights = upTo(41).map((k) => Math.exp(-((k - 20) ** 2) / 50));
  return upTo(11).map((i) => {
    const reached = weights.filter((_, k) => {
      const place = (((i + k - 20) % 22) + 22) % 22;
      return Math.min(place, 21 - place) === 5;
    });
    return total(reached) / total(weights);
  });
}

/** Each channel under the 11×11 kernel, zeros outside. @param {Vector} image @param {number} side @returns {Vector} */
export function blur(image, side) {
  const taps = riseTaps();
  return image.map((_, i) => {
    const [c, y, x] = [Math.floor(i / (side * side)), Math.floor(i / side) % side, i % side];
    return total(
      upTo(121).map((k) => {
        const [yy, xx] = [y + Math.floor(k / 11) - 5, x + (k % 11) - 5];
        const inside = yy >= 0 && yy < side && xx >= 0 && xx < side;
        const weight = (taps[Math.floor(k / 11)] ?? 0) * (taps[k % 11] ?? 0);
        return inside ? weight * (image[(c * side + yy) * side + xx] ?? 0) : 0;
      }),
    );
  });
}

/**
 * p(c) while pixels go from one image to another, a row's width of them at a time, most important first, equal ones in
 * raster order; and the area (Σ a_i − a_0/2 − a_n/2)/n below.
 *
 * @param {Classifier} model @param {Vector} map [side][side] @param {number} c @param {Vector} from @param {Vector} to
 */
export function perturbation(model, map, c, from, to) {
  const area = map.length;
  const order = upTo(area).sort((a, b) => (map[b] ?? 0) - (map[a] ?? 0) || a - b);
  const n = Math.ceil(area / model.side);
  const curve = upTo(n + 1).map((i) => {
    const exchanged = new Set(order.slice(0, i * model.side));
    const image = from.map((v, k) => (exchanged.has(k % area) ? (to[k] ?? 0) : v));
    return softmax(model.forward(image).logits)[c] ?? 0;
  });
  const ends = (curve[0] ?? 0) / 2 + (curve[n] ?? 0) / 2;
  return { curve, auc: (total(curve) - ends) / n };
}

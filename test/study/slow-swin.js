/**
 * @file A Swin as slowly as it reads, beside the ViT of slow-reference.js: windows as lists of tokens, in plain
 * double-precision arithmetic, derivatives by differences. Tiny models only.
 */
import { dot, gelu, readWeights, softmax, sum, total, transpose, upTo } from "./slow-reference.js";

/** @typedef {import("./slow-reference.js").Vector} Vector */
/** @typedef {import("./slow-reference.js").Matrix} Matrix */
/** @typedef {{ block: number, window: number, head: number | null, row: number, column: number, by: number }} Nudge head null: the block's norm1 */
/** @typedef {{ logits: Vector, inputs: Matrix[], norm1: Matrix[], attention: Matrix[][][] }} Pass attention: block, window, head */

/** Where scores of tokens that were not neighbours before the shift are put. */
const APART = -100;

/** `SwinForImageClassification`. @param {string} folder */
export function readSwin(folder) {
  const { config, matrix, linear, norm } = readWeights(folder);
  const side = config.image_size;
  const patch = config.patch_size;
  const project = linear("swin.embeddings.patch_embeddings.projection");
  const embedded = norm("swin.embeddings.norm");
  const last = norm("swin.layernorm");
  const classify = linear("classifier");
  const blocks = config.depths.flatMap((/** @type {number} */ depth, /** @type {number} */ stage) =>
    upTo(depth).map((b) => {
      const name = `swin.encoder.layers.${stage}.blocks.${b}`;
      const grid = side / patch / 2 ** stage;
      const window = Math.min(config.window_size, grid);
      const merges = b === depth - 1 && stage < config.depths.length - 1;
      const down = `swin.encoder.layers.${stage}.downsample`;
      return {
        grid,
        window,
        shift: b % 2 === 1 && grid > config.window_size ? Math.floor(window / 2) : 0,
        heads: config.num_heads[stage],
        before: norm(`${name}.layernorm_before`),
        query: linear(`${name}.attention.self.query`),
        key: linear(`${name}.attention.self.key`),
        value: linear(`${name}.attention.self.value`),
        bias: matrix(`${name}.attention.self.relative_position_bias_table`),
        out: linear(`${name}.attention.output.dense`),
        after: norm(`${name}.layernorm_after`),
        widen: linear(`${name}.intermediate.dense`),
        narrow: linear(`${name}.output.dense`),
        merge: merges ? { norm: norm(`${down}.norm`), reduce: linear(`${down}.reduction`) } : undefined,
      };
    }),
  );

  /** @param {Vector} image [3][side][side] @returns {Matrix} */
  const embed = (image) => {
    const cells = side / patch;
    const patches = upTo(cells * cells).map((p) =>
      upTo(3 * patch * patch).map((i) => {
        const [c, y, x] = [Math.floor(i / (patch * patch)), Math.floor(i / patch) % patch, i % patch];
        const [top, left] = [Math.floor(p / cells) * patch, (p % cells) * patch];
        return image[(c * side + top + y) * side + left + x] ?? 0;
      }),
    );
    return embedded(project(patches));
  };

  /** @param {Vector} image @param {Nudge} [nudge] @param {Pass} [known] the same without the nudge @returns {Pass} */
  const forward = (image, nudge, known) => {
    /** @type {Pass} */
    const pass = { logits: [], inputs: [], norm1: [], attention: [] };
    const first = known && nudge ? nudge.block : 0;
    let x = known?.inputs[first] ?? embed(image);
    for (let b = first; b < blocks.length; b++) {
      const block = blocks[b];
      const own = nudge?.block === b ? nudge : undefined;
      pass.inputs.push(x);
      const n = own?.head === null ? nudged(block.before(x), own) : block.before(x);
      const [q, k, v] = [block.query(n), block.key(n), block.value(n)];
      const size = v[0].length / block.heads;
      /** @type {Matrix} */
      const mixed = x.map(() => []);
      const attention = windowsOf(block).map((tokens, w) =>
        upTo(block.heads).map((h) => {
          /** @param {Vector} row */
          const part = (row) => row.slice(h * size, (h + 1) * size);
          const scores = tokens.map((i, ti) =>
            tokens.map((j, tj) => {
              const bias = block.bias[relative(block, ti, tj)]?.[h] ?? 0;
              const apart = region(block, i) === region(block, j) ? 0 : APART;
              return dot(part(q[i.token] ?? []), part(k[j.token] ?? [])) / Math.sqrt(size) + bias + apart;
            }),
          );
          const a = scores.map(softmax);
          const map = own?.head === h && own.window === w ? nudged(a, own) : a;
          const values = transpose(tokens.map(({ token }) => part(v[token] ?? [])));
          tokens.forEach(({ token }, t) => {
            mixed[token]?.push(...values.map((column) => dot(map[t] ?? [], column)));
          });
          return map;
        }),
      );
      x = sum(x, block.out(mixed));
      x = sum(x, block.narrow(gelu(block.widen(block.after(x)))));
      if (block.merge) x = block.merge.reduce(block.merge.norm(merged(x, block.grid)));
      pass.norm1.push(n);
      pass.attention.push(attention);
    }
    const tokens = last(x);
    pass.logits = classify([transpose(tokens).map((column) => total(column) / column.length)])[0] ?? [];
    return pass;
  };
  return { side, blocks, forward };
}

/** @typedef {ReturnType<typeof readSwin>} Swin */
/** @typedef {{ grid: number, window: number, shift: number }} Cut */
/** @typedef {{ token: number, y: number, x: number }} Place y and x: after the shift */

/** @param {Matrix} m @param {Nudge} nudge @returns {Matrix} */
const nudged = (m, { row, column, by }) =>
  m.map((values, i) => (i === row ? values.map((v, j) => (j === column ? v + by : v)) : values));

/** Of each window its tokens, row by row. @param {Cut} cut @returns {Place[][]} */
const windowsOf = ({ grid, window, shift }) => {
  const across = grid / window;
  return upTo(across * across).map((w) =>
    upTo(window * window).map((i) => {
      const y = Math.floor(w / across) * window + Math.floor(i / window);
      const x = (w % across) * window + (i % window);
      return { token: ((y + shift) % grid) * grid + ((x + shift) % grid), y, x };
    }),
  );
};

/** Tokens of one region were neighbours before the shift. @param {Cut} cut @param {Place} place */
const region = ({ grid, window, shift }, { y, x }) => {
  /** @param {number} at */
  const band = (at) => (shift === 0 || at < grid - window ? 0 : at < grid - shift ? 1 : 2);
  return 3 * band(y) + band(x);
};

/** The row of the bias table for two places of a window. @param {Cut} cut @param {number} i @param {number} j */
const relative = ({ window }, i, j) => {
  const dy = Math.floor(i / window) - Math.floor(j / window);
  const dx = (i % window) - (j % window);
  return (dy + window - 1) * (2 * window - 1) + dx + window - 1;
};

/** Four neighbours as one token. @param {Matrix} x @param {number} grid @returns {Matrix} */
const merged = (x, grid) =>
  upTo((grid * grid) / 4).map((t) => {
    const [top, left] = [2 * Math.floor(t / (grid / 2)), 2 * (t % (grid / 2))];
    const corners = [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ];
    return corners.flatMap(([dy = 0, dx = 0]) => x[(top + dy) * grid + left + dx] ?? []);
  });

/** ∂z_c/∂(one number). @param {Swin} model @param {Vector} image @param {number} c @param {Pass} known @param {Omit<Nudge, "by">} where */
function derivative(model, image, c, known, where) {
  const h = 1e-4;
  /** @param {number} by */
  const logit = (by) => model.forward(image, { ...where, by }, known).logits[c] ?? 0;
  return (logit(h) - logit(-h)) / (2 * h);
}

/** As a ViT's, over all tokens of the last grid. @param {Swin} model @param {Vector} image @param {number} c @returns {Vector} */
export function swinGradCam(model, image, c) {
  const known = model.forward(image);
  const block = model.blocks.length - 1;
  const activations = known.norm1[block] ?? [];
  const weights = upTo(activations[0]?.length ?? 0).map((column) => {
    const gradients = activations.map((_, row) =>
      derivative(model, image, c, known, { block, window: 0, head: null, row, column }),
    );
    return total(gradients) / gradients.length;
  });
  return activations.map((row) => Math.max(0, dot(row, weights)));
}

/** r over tokens, 1/n on the last grid; from the last block to the first, in each window r ← r·rownorm(relu(mean_h(A ⊙ G)) + I); a merged token gives each of its four a quarter. @param {Swin} model @param {Vector} image @param {number} c @returns {Vector} */
export function swinRollout(model, image, c) {
  const known = model.forward(image);
  const final = model.blocks.at(-1)?.grid ?? 0;
  /** @type {Vector} */
  let r = upTo(final * final).map(() => 1 / (final * final));
  for (let block = model.blocks.length - 1; block >= 0; block--) {
    const cut = model.blocks[block];
    const { grid, merge } = cut;
    if (merge) {
      const coarse = r;
      r = upTo(grid * grid).map((t) => {
        const [y, x] = [Math.floor(t / grid), t % grid];
        return (coarse[Math.floor(y / 2) * (grid / 2) + Math.floor(x / 2)] ?? 0) / 4;
      });
    }
    const before = r;
    const after = r.map(() => 0);
    windowsOf(cut).forEach((tokens, window) => {
      const heads = known.attention[block]?.[window] ?? [];
      tokens.forEach(({ token: from }, row) => {
        const fused = tokens.map((_, column) => {
          const weighted = heads.map(
            (a, head) =>
              (a[row]?.[column] ?? 0) *
              derivative(model, image, c, known, { block, window, head, row, column }),
          );
          return Math.max(0, total(weighted) / heads.length) + (row === column ? 1 : 0);
        });
        tokens.forEach(({ token: to }, column) => {
          after[to] = (after[to] ?? 0) + ((before[from] ?? 0) * (fused[column] ?? 0)) / total(fused);
        });
      });
    });
    r = after;
  }
  return r;
}

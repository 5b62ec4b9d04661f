/**
 * @file A Swin that begins with what a ViT has learnt: one stage of windows and shifts on the ViT's own patch grid, with
 * the weights of its first blocks. Where images are few, a Swin from nothing learns them by heart; this one sees.
 * What only Swin has begins neutral: relative position biases at 0, and the norm behind the patch embedding as the
 * straight line, channel by channel, that brings it closest to what it takes the norm of.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** @typedef {import("../../src/onnx/graph.js").Tensor} Tensor */

const [WINDOW, PATCH] = [7, 16];
const BLOCK = {
  norm1: "layernorm_before",
  norm2: "layernorm_after",
  "attn.proj": "attention.output.dense",
  "mlp.fc1": "intermediate.dense",
  "mlp.fc2": "output.dense",
};

/**
 * @param {string} weights timm's ViT, a folder
 * @param {number} depth blocks that are taken
 * @param {string} images a folder to fit the norm on
 * @param {string} out a folder that `vitreous finetune` takes
 */
export async function swinFromViT(weights, depth, images, out) {
  /** @type {typeof import("../../src/index.js")} */
  const { openModel } = await import(dist("index.js"));
  /** @type {typeof import("../../src/models/safetensors.js")} */
  const { readSafetensors } = await import(dist("models/safetensors.js"));
  /** @type {typeof import("../../src/models/write-safetensors.js")} */
  const { writeSafetensors } = await import(dist("models/write-safetensors.js"));
  /** @type {typeof import("../../src/onnx/tensor.js")} */
  const { float32Tensor, tensorToFloat32 } = await import(dist("onnx/tensor.js"));

  const { tensors } = readSafetensors(await readFile(join(weights, "model.safetensors")));
  const vit = (/** @type {string} */ name) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`${weights} has no ${name}: it is not timm's ViT`);
    return { values: tensorToFloat32(tensor), dims: [...tensor.dims] };
  };
  const kernel = vit("patch_embed.proj.weight");
  const [width = 0] = kernel.dims;
  const heads = width / 64;
  const model = await openModel(weights);
  /** @type {Float32Array[]} */
  const pictures = [];
  for (const file of (await readdir(images, { recursive: true })).filter((name) => name.endsWith(".png")))
    pictures.push((await model.read(join(images, file))).tensor.data);
  await model.close();
  const side = Math.sqrt((pictures[0]?.length ?? 0) / 3);
  const grid = side / PATCH;
  const line = fittedNorm(pictures, side, kernel.values, vit("patch_embed.proj.bias").values);

  /** @type {Map<string, Tensor>} */
  const swin = new Map();
  const put = (
    /** @type {string} */ name,
    /** @type {Float32Array} */ values,
    /** @type {number[]} */ dims,
  ) => swin.set(name, float32Tensor(dims, values));
  const copy = (/** @type {string} */ from, /** @type {string} */ to) => {
    for (const part of ["weight", "bias"]) {
      const { values, dims } = vit(`${from}.${part}`);
      put(`${to}.${part}`, values, dims);
    }
  };
  copy("patch_embed.proj", "swin.embeddings.patch_embeddings.projection");
  put("swin.embeddings.norm.weight", line.weight, [width]);
  put("swin.embeddings.norm.bias", line.bias, [width]);
  // The class token's position is the first.
  put("swin.embeddings.position_embeddings", vit("pos_embed").values.slice(width), [1, grid * grid, width]);
  for (let i = 0; i < depth; i++) {
    const [from, to] = [`blocks.${i}`, `swin.encoder.layers.0.blocks.${i}`];
    for (const [name, called] of Object.entries(BLOCK)) copy(`${from}.${name}`, `${to}.${called}`);
    for (const [k, called] of ["query", "key", "value"].entries()) {
      for (const part of ["weight", "bias"]) {
        const { values, dims } = vit(`${from}.attn.qkv.${part}`);
        const size = values.length / 3;
        const own = values.slice(k * size, (k + 1) * size);
        put(`${to}.attention.self.${called}.${part}`, own, [width, ...dims.slice(1)]);
      }
    }
    const table = (2 * WINDOW - 1) ** 2;
    put(`${to}.attention.self.relative_position_bias_table`, new Float32Array(table * heads), [table, heads]);
  }
  copy("norm", "swin.layernorm");

  await mkdir(out, { recursive: true });
  await writeFile(join(out, "model.safetensors"), writeSafetensors(swin));
  const config = {
    architectures: ["SwinModel"],
    model_type: "swin",
    image_size: side,
    patch_size: PATCH,
    num_channels: 3,
    embed_dim: width,
    depths: [depth],
    num_heads: [heads],
    window_size: WINDOW,
    mlp_ratio: 4.0,
    qkv_bias: true,
    hidden_act: "gelu",
    layer_norm_eps: 1e-6,
    use_absolute_embeddings: true,
  };
  await writeFile(join(out, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
}

const dist = (/** @type {string} */ file) => new URL(`../../dist/${file}`, import.meta.url).href;

/**
 * Scale and shift of a LayerNorm, by least squares over all patches, that give back what comes into it.
 *
 * @param {readonly Float32Array[]} pictures [3, side, side]
 * @param {number} side
 * @param {Float32Array} kernel [width, 3, PATCH, PATCH]
 * @param {Float32Array} bias [width]
 */
function fittedNorm(pictures, side, kernel, bias) {
  const width = bias.length;
  const sums = Array.from({ length: 4 }, () => new Float64Array(width));
  const [n, x, nn, nx] = /** @type {[Float64Array, Float64Array, Float64Array, Float64Array]} */ (sums);
  let count = 0;
  for (const picture of pictures) {
    for (let top = 0; top < side; top += PATCH) {
      for (let left = 0; left < side; left += PATCH) {
        const token = embedded(picture, side, top, left, kernel, bias);
        const mean = token.reduce((a, b) => a + b, 0) / width;
        const deviation = Math.sqrt(token.reduce((a, b) => a + (b - mean) ** 2, 0) / width);
        count++;
        for (const [c, value] of token.entries()) {
          const normed = (value - mean) / deviation;
          n[c] = (n[c] ?? 0) + normed;
          x[c] = (x[c] ?? 0) + value;
          nn[c] = (nn[c] ?? 0) + normed * normed;
          nx[c] = (nx[c] ?? 0) + normed * value;
        }
      }
    }
  }
  const weight = new Float32Array(width);
  const shift = new Float32Array(width);
  for (let c = 0; c < width; c++) {
    const [mn, mx] = [(n[c] ?? 0) / count, (x[c] ?? 0) / count];
    weight[c] = ((nx[c] ?? 0) / count - mn * mx) / ((nn[c] ?? 0) / count - mn * mn);
    shift[c] = mx - (weight[c] ?? 0) * mn;
  }
  return { weight, bias: shift };
}

/**
 * One patch's embedding.
 *
 * @param {Float32Array} picture
 * @param {number} side
 * @param {number} top
 * @param {number} left
 * @param {Float32Array} kernel
 * @param {Float32Array} bias
 */
function embedded(picture, side, top, left, kernel, bias) {
  const token = Float64Array.from(bias);
  for (let c = 0; c < token.length; c++) {
    let k = c * 3 * PATCH * PATCH;
    let sum = 0;
    for (let channel = 0; channel < 3; channel++) {
      for (let y = 0; y < PATCH; y++) {
        const row = (channel * side + top + y) * side + left;
        for (let px = 0; px < PATCH; px++) sum += (picture[row + px] ?? 0) * (kernel[k++] ?? 0);
      }
    }
    token[c] = (token[c] ?? 0) + sum;
  }
  return token;
}

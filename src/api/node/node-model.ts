/** @file An opened model in Node: it also reads images from disk. */
import { decodeImage } from "../../imaging/node/decode.js";
import { readBytes } from "../../imaging/node/file-error.js";
import { asTensorBatch, readNpy } from "../../imaging/npy.js";
import { unpreprocess } from "../../imaging/preprocess.js";
import { VitreousError } from "../../onnx/errors.js";
import type { ModelImage } from "../image.js";
import { ImageModel } from "../image-model.js";
import { sha256OfBytes } from "./sha256.js";

export class NodeModel extends ImageModel {
  /** Reads one image: PNG, JPEG, TIFF, WebP or BMP, decoded and preprocessed as the model wants it; or a .npy tensor [C,H,W], taken as it is. */
  async read(path: string): Promise<ModelImage> {
    const images = await this.readAll(path);
    const [image] = images;
    if (image !== undefined && images.length === 1) return image;
    throw new VitreousError(`${path} holds ${images.length} images; use readAll for a batch`);
  }

  /** Reads an image file, or all items of a .npy batch [N,C,H,W]. */
  async readAll(path: string): Promise<readonly ModelImage[]> {
    const bytes = await readBytes(path);
    if (path.toLowerCase().endsWith(".npy")) return this.#tensors(bytes, path, sha256OfBytes(bytes));
    return [await this.decode(bytes, path)];
  }

  /** A picture from its file's bytes. */
  async decode(bytes: Uint8Array, name: string): Promise<ModelImage> {
    const { tensor, display } = await this.preparer.picture(await decodeImage(bytes, name));
    return { name, tensor, display, sha256: sha256OfBytes(bytes) };
  }

  async #tensors(bytes: Uint8Array, path: string, sha256: string): Promise<readonly ModelImage[]> {
    const { input, image } = this.anatomy;
    const { count, channels, height, width, data, batched } = asTensorBatch(readNpy(bytes, path), path);
    if (channels !== input.channels || height !== image[0] || width !== image[1]) {
      throw new VitreousError(
        `${path} holds images of [${channels}, ${height}, ${width}], but the model takes [${input.channels}, ${image.join(", ")}]`,
      );
    }
    const size = channels * height * width;
    const images: ModelImage[] = [];
    for (let i = 0; i < count; i++) {
      const given = { data: data.slice(i * size, (i + 1) * size), channels, height, width };
      const display =
        input.preprocessing === "inside"
          ? unpreprocess(given, { mean: [0, 0, 0], std: [1, 1, 1], rescale: input.range === 1 ? 1 / 255 : 1 })
          : unpreprocess(given, this.preprocessing);
      const name = batched ? `${path}[${i}]` : path;
      images.push({ ...(await this.fromTensor(given, name)), display, sha256 });
    }
    return images;
  }
}

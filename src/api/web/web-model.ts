/** @file An opened model in a page: it also reads pictures, which never leave the machine. */
import { VitreousError } from "../../onnx/errors.js";
import type { ModelImage } from "../image.js";
import { ImageModel } from "../image-model.js";

export class WebModel extends ImageModel {
  /** Reads a picture that the browser can decode. Orientation is applied, colour profiles are not, alpha is dropped. */
  async read(source: Blob, name = source instanceof File ? source.name : "image"): Promise<ModelImage> {
    const { tensor, display } = await this.preparer.picture(await decode(source, name));
    return { name, tensor, display };
  }
}

async function decode(source: Blob, name: string) {
  const bitmap = await createImageBitmap(source, {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  }).catch((cause: unknown) => {
    throw new VitreousError(`${name} is no picture that this browser can decode`, { cause });
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (context === null) throw new VitreousError("this browser gives no 2-D canvas to read pixels with");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0, o = 0; i < data.length; i += 4, o += 3) {
    rgb[o] = data[i] ?? 0;
    rgb[o + 1] = data[i + 1] ?? 0;
    rgb[o + 2] = data[i + 2] ?? 0;
  }
  return { data: rgb, width, height };
}

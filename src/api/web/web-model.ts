/** @file An opened model in a page: it also reads pictures, which never leave the machine. */
import type { Anatomy } from "../../anatomy/anatomy.js";
import type { Preprocessing } from "../../imaging/preprocessing.js";
import type { ImageTensor } from "../../metrics/metric.js";
import { VitreousError } from "../../onnx/errors.js";
import type { Runtime } from "../../runtime/runtime.js";
import type { Understood } from "../graphs.js";
import type { ModelImage } from "../image.js";
import { OpenedModel } from "../opened.js";
import { type ImagePreparer, imagePreparer } from "../prepare-image.js";
import { Sessions } from "../sessions.js";
import type { Settings } from "../settings.js";
import type { ModelFacts } from "../types.js";

export interface WebModelParts extends Understood {
  readonly runtime: Runtime;
  readonly settings: Settings;
  readonly facts: Omit<ModelFacts, "black">;
}

export class WebModel extends OpenedModel {
  readonly preprocessing: Preprocessing;
  /** What the user should be told about how it was opened. */
  readonly warnings: readonly string[];
  readonly #preparer: ImagePreparer;

  private constructor(
    anatomy: Anatomy,
    facts: ModelFacts,
    sessions: Sessions,
    settings: Settings,
    preparer: ImagePreparer,
  ) {
    super(anatomy, facts, sessions);
    this.preprocessing = settings.preprocessing;
    this.warnings = settings.warnings;
    this.#preparer = preparer;
  }

  static async open({ anatomy, graphs, head, runtime, settings, facts }: WebModelParts): Promise<WebModel> {
    const preparer = imagePreparer({ anatomy, preprocessing: settings.preprocessing, runtime, head });
    const black = await preparer.black();
    return new WebModel(
      anatomy,
      { ...facts, black },
      new Sessions(runtime, graphs, facts.name),
      settings,
      preparer,
    );
  }

  /** Reads a picture that the browser can decode. Orientation is applied, colour profiles are not, alpha is dropped. */
  async read(source: Blob, name = source instanceof File ? source.name : "image"): Promise<ModelImage> {
    const { tensor, display } = await this.#preparer.picture(await decode(source, name));
    return { name, tensor, display };
  }

  /** A tensor [channels, height, width] that holds exactly what the model's own input takes. */
  async fromTensor(given: ImageTensor, name = "tensor"): Promise<ModelImage> {
    return { name, tensor: await this.#preparer.given(given) };
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

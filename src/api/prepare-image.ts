/**
 * @file From a decoded picture, or a tensor given as it is, to what the model's body takes. Where the graph prepares
 * its image itself, its head is run once here.
 */
import type { Anatomy } from "../anatomy/anatomy.js";
import type { RgbImage } from "../imaging/image.js";
import { displayImage, preprocess } from "../imaging/preprocess.js";
import type { Preprocessing } from "../imaging/preprocessing.js";
import type { ImageTensor } from "../metrics/metric.js";
import { VitreousError } from "../onnx/errors.js";
import { writeModel } from "../onnx/write.js";
import type { NdArray, Runtime, Session } from "../runtime/runtime.js";
import { floats } from "./explain.js";
import type { InputHead } from "./graphs.js";

export interface Prepared {
  readonly tensor: ImageTensor;
  readonly display: RgbImage;
}

export interface ImagePreparer {
  picture(image: RgbImage): Promise<Prepared>;
  /** [channels, height, width] exactly as the model's own input takes its values. */
  given(tensor: ImageTensor): Promise<ImageTensor>;
  /** A black pixel in the space of the tensors, per channel. */
  black(): Promise<readonly number[]>;
}

export interface PreparerParts {
  readonly anatomy: Anatomy;
  readonly preprocessing: Preprocessing;
  readonly runtime: Runtime;
  readonly head: InputHead | undefined;
}

export function imagePreparer({ anatomy, preprocessing, runtime, head }: PreparerParts): ImagePreparer {
  const { input } = anatomy;
  let session: Promise<Session> | undefined;

  /** Values [0, 255] or as given, channels first, through the head. */
  const throughHead = async (tensor: ImageTensor): Promise<ImageTensor> => {
    if (head === undefined) return tensor;
    session ??= runtime.load(writeModel(head.model));
    const fetches = await (await session).run({ [input.name]: rawInput(tensor, anatomy, head.images) });
    return { ...tensor, data: floats(fetches[head.output]).slice(0, tensor.data.length) };
  };

  /** A picture at the model's size in the range the graph expects. */
  const inRange = (display: RgbImage): ImageTensor => {
    const scale = input.range === 1 ? 1 / 255 : 1;
    return channelsFirst(display, input.channels, (v) => v * scale);
  };

  /** Preprocessing without a crop may make another size of each picture. */
  const checkSize = (image: RgbImage, { height, width }: RgbImage): void => {
    if (height === anatomy.image[0] && width === anatomy.image[1]) return;
    throw new VitreousError(
      `a picture of ${image.height}×${image.width} becomes ${height}×${width} by ${preprocessing.source}, but the model takes ${anatomy.image.join("×")}: state a centre crop there, or give another way with --preprocess FILE`,
    );
  };

  return {
    async picture(image) {
      if (input.channels !== preprocessing.channels) {
        throw new VitreousError(
          `the model takes images of ${input.channels} channels, a picture has ${preprocessing.channels}: give a .npy file of [${[input.channels, ...anatomy.image].join(", ")}]`,
        );
      }
      if (input.preprocessing === "inside") {
        const display = displayImage(image, preprocessing);
        checkSize(image, display);
        return { tensor: await throughHead(inRange(display)), display };
      }
      const { data, channels, height, width, display } = preprocess(image, preprocessing);
      checkSize(image, display);
      return { tensor: await throughHead({ data, channels, height, width }), display };
    },
    given: throughHead,
    async black() {
      if (input.preprocessing === "outside") {
        const { mean, std } = preprocessing;
        return Array.from({ length: input.channels }, (_, c) => -(mean[c] ?? 0) / (std[c] ?? 1));
      }
      const [height, width] = anatomy.image;
      const area = height * width;
      const { data } = await throughHead(inRange({ data: new Uint8Array(area * 3), width, height }));
      return Array.from({ length: input.channels }, (_, c) => data[c * area] ?? 0);
    },
  };
}

function channelsFirst(image: RgbImage, channels: number, value: (v: number) => number): ImageTensor {
  const { width, height } = image;
  const area = width * height;
  const data = new Float32Array(area * channels);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < area; i++) data[c * area + i] = value(image.data[i * 3 + c] ?? 0);
  }
  return { data, channels, height, width };
}

/**
 * The graph's own input from [channels, height, width] values: its layout and type. The image is the first of
 * `images`, the others are zeros.
 */
function rawInput(tensor: ImageTensor, { input }: Anatomy, images: number): NdArray {
  const { data, channels, height, width } = tensor;
  const area = height * width;
  const values = new Float32Array(images * data.length);
  let dims = [images, channels, height, width];
  if (input.layout === "NHWC") {
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < area; i++) values[i * channels + c] = data[c * area + i] ?? 0;
    dims = [images, height, width, channels];
  } else {
    values.set(data);
  }
  if (input.dtype === "int32") return { dtype: "int32", dims, data: Int32Array.from(values, Math.round) };
  if (input.dtype !== "uint8") return { dtype: "float32", dims, data: values };
  return {
    dtype: "uint8",
    dims,
    data: Uint8Array.from(values, (v) => Math.max(0, Math.min(255, Math.round(v)))),
  };
}

/** @file A description out of what the tensors of transformers' BEiT and DINOv3 say and of what their user says. */
import { VitreousError } from "../../onnx/errors.js";
import type { Spec } from "../../spec.js";
import type { Recognised } from "../architecture.js";
import { argumentsOf } from "../argument.js";
import { inferredFrom, type Stated, valuesOf } from "../stated.js";
import type { TensorShapes } from "../stored-tensor.js";

/** How many blocks there are under a path that ends in front of their number. */
export function depthOf(tensors: TensorShapes, path: string): number {
  const numbers = [...tensors.keys()].flatMap((name) =>
    name.startsWith(path) ? [Number.parseInt(name.slice(path.length), 10)] : [],
  );
  return Math.max(-1, ...numbers) + 1;
}

/** Width, channels and patches, from the convolution that makes patches. */
export function patchFields(tensors: TensorShapes, name: string): readonly Stated[] {
  const [dim = 0, channels = 0, ...patch] = tensors.get(name)?.dims ?? [];
  const from = `the shape of ${name}`;
  return [
    ["hidden_size", dim, from],
    ["num_channels", channels, from],
    ["patch_size", patch, from],
  ];
}

/** @throws VitreousError where --arch names another model, or parameters that are not among `found` */
export function described(
  modelType: string,
  architecture: string,
  found: readonly Stated[],
  arch: Spec | undefined,
): Recognised {
  if (arch !== undefined && arch.name !== modelType)
    throw new VitreousError(
      `the tensors are of Hugging Face's ${modelType}, not of ${arch.name}: give --arch ${modelType}`,
    );
  const keys = [...new Set(found.map(([name]) => name))];
  const given = arch === undefined ? {} : argumentsOf(arch);
  const unknown = Object.keys(given).filter((key) => !keys.includes(key));
  if (unknown.length > 0)
    throw new VitreousError(
      `--arch ${modelType}: there is no parameter ${unknown.join(", ")} (there are: ${keys.join(", ")})`,
    );
  const json = { ...valuesOf(found), ...given };
  const missing = keys.filter((key) => json[key] === undefined);
  if (missing.length > 0) {
    const example = missing.map((key) => (key === "image_size" ? "image_size=HxW" : `${key}=N`)).join(",");
    throw new VitreousError(
      `the tensors are of Hugging Face's ${modelType}, and do not say its ${missing.join(" and ")}: give --arch ${modelType}:${example}`,
    );
  }
  return {
    description: {
      library: "hugging-face",
      modelType,
      architectures: [architecture],
      json,
      labels: undefined,
    },
    inferred: inferredFrom(found, given),
  };
}

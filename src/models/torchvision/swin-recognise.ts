/** @file A state dict of torchvision's Swin: shapes say all of it but the size of the images. */
import { VitreousError } from "../../onnx/errors.js";
import type { Spec } from "../../spec.js";
import type { Recognised } from "../architecture.js";
import { argumentOf } from "../argument.js";
import type { TensorShapes } from "../stored-tensor.js";
import { settle, swinShapes } from "../swin-shapes.js";
import { SWIN_PRESETS, swinPreset } from "./swin-presets.js";

const NAMES = {
  patches: "features.0.0.weight",
  block: (stage: number, block: number) => `features.${2 * stage + 1}.${block}.`,
  mark: "norm1.weight",
  fc1: "mlp.0.weight",
  attention: "attn.",
  table: "relative_position_bias_table",
};

/** See `Architecture.recognise`. */
export function recogniseSwin(tensors: TensorShapes, arch: Spec | undefined): Recognised | undefined {
  const shapes = swinShapes(tensors, NAMES);
  const named = arch && swinPreset(arch.name);
  if (shapes === undefined || (arch !== undefined && named === undefined)) return undefined;
  const { second, embedDim, depths, heads, mlpRatio, windows, patch, windowTensor } = shapes;
  const matching = [...SWIN_PRESETS].find(
    ([name, preset]) =>
      name.includes("_v2_") === second &&
      preset.embed_dim === embedDim &&
      preset.depths.join() === depths.join(),
  );
  const architecture = arch?.name ?? matching?.[0];
  const family = second ? "swin_v2_t" : "swin_t";
  if (architecture === undefined) {
    throw new VitreousError(
      `the tensors are of a torchvision Swin that none of torchvision's functions makes (width ${embedDim}, depths ${depths.join(", ")}): give its images' size, --arch ${family}:image_size=HxW`,
    );
  }
  if (architecture.includes("_v2_") !== second) {
    throw new VitreousError(
      `the tensors are of torchvision's Swin${second ? " V2" : ""}, not of ${architecture}: give --arch ${family}`,
    );
  }
  const given = Object.entries(arch?.parameters ?? {}).map(([key, text]): [string, unknown] => {
    const value = argumentOf(text);
    const pairs = ["image_size", "img_size", "window_size", "patch_size"];
    const pair = pairs.includes(key) && typeof value === "number";
    return [key === "img_size" ? "image_size" : key, pair ? [value, value] : value];
  });
  const stated = Object.fromEntries(given);
  const [window] = windows;
  const preset = swinPreset(architecture);
  if (window === undefined && !("window_size" in stated)) {
    throw new VitreousError(
      `the tensors do not say how large the windows are: give --arch ${architecture}:window_size=HxW`,
    );
  }
  const { args, inferred } = settle(
    [
      ["patch_size", patch, NAMES.patches],
      ["embed_dim", embedDim, NAMES.patches],
      ["depths", depths, "the names features.…"],
      ["num_heads", heads, second ? "logit_scale of each stage" : windowTensor],
      ...(window ? [["window_size", window, windowTensor] as const] : []),
      ["mlp_ratio", mlpRatio, "features.1.0.mlp.0.weight"],
      ["num_classes", tensors.get("head.weight")?.dims[0] ?? 0, "head.weight"],
      ...(preset
        ? [["image_size", [preset.crop, preset.crop], `the default weights of ${architecture}`] as const]
        : []),
    ],
    stated,
  );
  const own = arch === undefined ? [{ name: "arch", value: architecture, from: "width and depths" }] : [];
  return { description: { library: "torchvision", architecture, args }, inferred: [...own, ...inferred] };
}

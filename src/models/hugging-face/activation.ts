/** @file What transformers calls the functions of its table of activations, as far as vision transformers use them. */
import { VitreousError } from "../../onnx/errors.js";
import type { Activation } from "../layers.js";

/** transformers, activations.py (ACT2CLS); those of one formula are one here. */
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  gelu: "gelu",
  gelu_python: "gelu",
  gelu_new: "gelu_tanh",
  gelu_fast: "gelu_tanh",
  gelu_accurate: "gelu_tanh",
  gelu_pytorch_tanh: "gelu_tanh",
  gelu_python_tanh: "gelu_tanh",
  quick_gelu: "quick_gelu",
  silu: "silu",
  swish: "silu",
  relu: "relu",
};

/** @throws VitreousError for one that is not supported */
export function activationNamed(name: string): Activation {
  const found = Object.hasOwn(ACTIVATIONS, name) ? ACTIVATIONS[name] : undefined;
  if (found !== undefined) return found;
  throw new VitreousError(
    `config.json: hidden_act "${name}" is not supported; supported are ${Object.keys(ACTIVATIONS).join(", ")}.`,
  );
}

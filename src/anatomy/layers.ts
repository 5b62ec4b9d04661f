/**
 * @file Finding a layer by any of the names people use for it: ours, timm's, Hugging Face's, torchvision's, or the
 * graph's own.
 */
import { VitreousError } from "../onnx/errors.js";
import type { Anatomy, Layer } from "./anatomy.js";

const NORMS: Readonly<Record<string, string>> = {
  layernorm_before: "norm1",
  layernorm_after: "norm2",
  ln_1: "norm1",
  ln_2: "norm2",
  norm1: "norm1",
  norm2: "norm2",
  input: "input",
};

/** "vit.encoder.layer.11.layernorm_before" and its like → "blocks.11.norm1"; numbers keep their order. */
function canonical(name: string): string {
  const dotted = name
    .trim()
    .replace(/\[(-?\d+)\]/g, ".$1")
    .replaceAll("/", ".")
    .replace(/encoder_layer_(\d+)/g, "$1")
    .replace(/^\.+|\.+$/g, "");
  const parts = dotted.split(".");
  const numbers = parts.filter((p) => /^-?\d+$/.test(p));
  const ending = NORMS[parts.at(-1) ?? ""];
  const isBlock = /^-?\d+$/.test(parts.at(-1) ?? "");
  if (numbers.length > 0 && (ending !== undefined || isBlock)) {
    const place = parts.includes("features") ? torchvisionStage(numbers) : numbers;
    const [a, b] = place.slice(-2);
    const block = b === undefined ? `blocks.${a}` : `layers.${a}.blocks.${b}`;
    return ending === undefined ? block : `${block}.${ending}`;
  }
  if (["norm", "layernorm", "ln", "ln_f", "ln_post"].includes(parts.at(-1) ?? "")) return "norm";
  if (["patch_embed", "patch_embeddings", "conv_proj"].includes(parts.at(-1) ?? "")) return "patch_embed";
  return dotted;
}

/** torchvision's Swin counts stages and mergings together: features.1, features.3, … are its stages 0, 1, …. */
const torchvisionStage = (numbers: readonly string[]): string[] => [
  String((Number(numbers[0]) - 1) / 2),
  ...numbers.slice(1),
];

/** −1 is the last one, as in Python. */
function countFromEnd(anatomy: Anatomy, name: string): string {
  if (!name.includes("-")) return name;
  const parts = name.split(".");
  const resolved: string[] = [];
  for (const part of parts) {
    if (!/^-\d+$/.test(part)) {
      resolved.push(part);
      continue;
    }
    const start = `${resolved.join(".")}.`;
    const taken = anatomy.blocks
      .filter((b) => b.name.startsWith(start))
      .map((b) => Number(b.name.slice(start.length).split(".")[0]));
    resolved.push(String(Math.max(...taken) + 1 + Number(part)));
  }
  return resolved.join(".");
}

/** The layer called `name`. Throws a VitreousError that lists the candidates where there is none. */
export function findLayer(anatomy: Anatomy, name: string): Layer {
  const wanted = countFromEnd(anatomy, canonical(name));
  const found =
    anatomy.layers.find((l) => l.name === name || l.tensor === name) ??
    anatomy.layers.find((l) => l.name === wanted) ??
    anatomy.layers.find((l) => l.aliases?.includes(name));
  if (found !== undefined) return found;
  const usable = anatomy.layers.filter((l) => l.unusable === undefined).map((l) => l.name);
  throw new VitreousError(
    `There is no layer "${name}". ` +
      (usable.length > 0
        ? `Layers of this model: ${usable.join(", ")}.`
        : "No layer of this model was recognised."),
  );
}

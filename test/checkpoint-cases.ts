/**
 * @file Checkpoints to open, with what the library they come from computes: those that the repository carries
 * (test/oracle/checkpoints.py makes them, and more into folders that VITREOUS_CHECKPOINTS names, separated by ":"), and
 * the models of the corpus that come with a checkpoint.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { corpus, type GoldenTensor, readGolden } from "./corpus.js";

export interface CheckpointCase {
  readonly name: string;
  /** A folder, or a file of weights. */
  readonly path: string;
  readonly arch: string | undefined;
  /** The image size to ask for, where it is not the checkpoint's. */
  readonly imageSize: readonly [number, number] | undefined;
  readonly output: "logits" | "features";
  readonly family: "vit" | "swin";
  readonly prefixTokens: number;
  readonly head: string | undefined;
  readonly image: readonly [number, number];
  /** The top class of each image, and the number of blocks; undefined where there are no explanations to compare. */
  readonly classes: readonly number[] | undefined;
  readonly blocks: number | undefined;
  readonly golden: () => ReadonlyMap<string, GoldenTensor>;
}

interface CaseJson {
  readonly name: string;
  readonly open: string;
  readonly arch: string | null;
  readonly image_size: readonly [number, number] | null;
  readonly output: "logits" | "features";
  readonly family: "vit" | "swin";
  readonly prefix_tokens: number;
  readonly head: string;
  readonly image: readonly [number, number];
  readonly classes?: readonly number[];
  readonly blocks?: number;
}

const FIXTURES = fileURLToPath(new URL("fixtures/checkpoints", import.meta.url));

function readCase(folder: string): CheckpointCase {
  const json: CaseJson = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"));
  const { name, output, family, head, image, classes, blocks } = json;
  return {
    ...{ name, output, family, head, image, classes, blocks },
    path: join(folder, json.open),
    arch: json.arch ?? undefined,
    imageSize: json.image_size ?? undefined,
    prefixTokens: json.prefix_tokens,
    golden: () => readGolden(join(folder, "golden.safetensors")),
  };
}

/** The repository's own, and those of VITREOUS_CHECKPOINTS. */
export function checkpointCases(): readonly CheckpointCase[] {
  const more = process.env.VITREOUS_CHECKPOINTS?.split(delimiter).filter((folder) => folder !== "") ?? [];
  return [FIXTURES, ...more].flatMap((folder) =>
    readdirSync(folder)
      .sort()
      .map((name) => join(folder, name))
      .filter((path) => existsSync(join(path, "golden.json")))
      .map(readCase),
  );
}

/** timm's arguments that the shapes of tensors do not show. */
const NOT_IN_SHAPES = ["num_heads", "img_size", "window_size", "global_pool"];

/** --arch for a state dict, from the config.json that lies beside it. */
function archOf(config: { architecture: string; model_args?: Readonly<Record<string, unknown>> }): string {
  const given = NOT_IN_SHAPES.flatMap((key) => {
    const value = config.model_args?.[key];
    if (value === undefined || (key === "num_heads" && Array.isArray(value))) return [];
    return [`${key}=${Array.isArray(value) ? value.join("x") : value}`];
  });
  return given.length === 0 ? config.architecture : `${config.architecture}:${given.join(",")}`;
}

/** The checkpoints of the corpus: folders, and the state dicts in them as files of their own. */
export function corpusCheckpoints(): readonly (CheckpointCase & { readonly onnx: readonly string[] })[] {
  return corpus().flatMap((model) => {
    const { checkpoint } = model;
    if (checkpoint === undefined) return [];
    const config = JSON.parse(readFileSync(join(checkpoint, "config.json"), "utf8"));
    // transformers has DINOv3 without a classifier only: what was exported with one is no longer this checkpoint.
    if (config.model_type === "dinov3_vit") return [];
    const { family, prefixTokens, head, image, classes, blocks } = model;
    const plain = model.exports.filter((e) => e.layout === "NCHW" && !e.quantized && !e.half);
    const shared = {
      ...{ family, prefixTokens, head, image, classes, blocks },
      output: "logits" as const,
      imageSize: undefined,
      golden: model.golden,
      onnx: plain.filter((e) => e.output === "logits").map((e) => e.path),
    };
    const folder = { ...shared, name: `${model.folder}/checkpoint`, path: checkpoint, arch: undefined };
    const state = join(checkpoint, "state_dict.pth");
    if (!existsSync(state)) return [folder];
    return [folder, { ...shared, name: state, path: state, arch: archOf(config) }];
  });
}

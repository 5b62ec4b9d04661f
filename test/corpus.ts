/**
 * @file The models that tests run on, with their reference results: the full corpus where it is present (beside
 * the repository, or where VITREOUS_CORPUS points; several folders separated by ":"), and the small ones that
 * the repository carries. A folder is a model: *.onnx, golden.json, golden.safetensors, perhaps checkpoint/.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "../src/models/safetensors.js";
import { tensorToFloat32 } from "../src/onnx/tensor.js";

export interface GoldenTensor {
  readonly dims: readonly number[];
  /** float64 for curves and their areas, bytes for `input_uint8`, float32 for everything else. */
  readonly data: Float32Array | Float64Array | Uint8Array;
}

/** A Swin block: its token grid, and the window and shift that are in effect there. */
export interface CorpusWindow {
  readonly hw: readonly [number, number];
  readonly window: readonly [number, number];
  readonly shift: readonly [number, number];
}

export interface CorpusExport {
  /** File name without `.onnx`: `<exporter>-<opset>[-<variant>…]`. */
  readonly name: string;
  readonly path: string;
  /** Domain → version ("ai.onnx" is the standard one). */
  readonly opset: Readonly<Record<string, number>>;
  readonly input: string;
  /** NHWC: uint8 pictures with the preprocessing inside; feed the golden `input_uint8`. */
  readonly layout: "NCHW" | "NHWC";
  readonly output: "logits" | "probabilities";
  readonly batch: 1 | "dynamic";
  readonly operators: readonly string[];
  readonly quantized: boolean;
  /** Weights, and for some files the input as well, are float16. */
  readonly half: boolean;
  /** ONNX Runtime's distance from PyTorch's logits on this file, relative to their maximum. */
  readonly relativeError: number;
}

export interface CorpusModel {
  readonly name: string;
  readonly folder: string;
  readonly family: "vit" | "swin";
  /** The predicted class of each of the two images, and the runner-up. */
  readonly classes: readonly number[];
  readonly second: readonly number[];
  readonly prefixTokens: number;
  /** What the head reads, where the description says so. */
  readonly head: "token" | "mean" | "token+mean" | undefined;
  readonly blocks: number;
  readonly image: readonly [number, number];
  readonly grid: readonly [number, number];
  /** Pixels a step of the insertion and deletion curves. */
  readonly step: number;
  readonly windows: readonly CorpusWindow[] | undefined;
  /**
   * The tokens that the golden rollout puts into a shifted window of a padded grid: those that the model really has
   * there ("model"), or those it would have if it padded before it rolled ("padded-first"; timm rolls first).
   */
  readonly rolloutWindows: "model" | "padded-first";
  readonly exports: readonly CorpusExport[];
  /** Folder with config.json and model.safetensors. */
  readonly checkpoint: string | undefined;
  /** Reference results by name (test/oracle/goldens.py says what they are); read on the first call. */
  readonly golden: () => ReadonlyMap<string, GoldenTensor>;
}

interface GoldenJson {
  readonly name: string;
  readonly classes: readonly number[];
  readonly second: readonly number[];
  readonly prefix_tokens: number;
  readonly head?: "token" | "mean" | "token+mean";
  readonly blocks: number;
  readonly image: readonly [number, number];
  readonly grid: readonly [number, number];
  readonly step?: number;
  readonly windows?: readonly CorpusWindow[];
  readonly rollout_windows?: string;
  readonly exports: readonly {
    readonly file: string;
    readonly opset: Readonly<Record<string, number>>;
    readonly input: string;
    readonly layout?: string;
    readonly output?: "logits" | "probabilities";
    readonly batch: 1 | "dynamic";
    readonly operators: readonly string[];
    readonly relative_error_of_export: number;
  }[];
}

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));
const FIXTURES = join(REPOSITORY, "test", "fixtures", "models");
const BESIDE = resolve(REPOSITORY, "..", "shared", "corpus");

/** A file of golden tensors. */
export function readGolden(path: string): ReadonlyMap<string, GoldenTensor> {
  const result = new Map<string, GoldenTensor>();
  for (const [name, tensor] of readSafetensors(readFileSync(path), path).tensors) {
    const { dims, dtype, bytes } = tensor;
    const data =
      dtype === "float64"
        ? new Float64Array(new Uint8Array(bytes).buffer)
        : dtype === "uint8"
          ? bytes
          : tensorToFloat32(tensor);
    result.set(name, { dims, data });
  }
  return result;
}

function readModel(folder: string): CorpusModel {
  const json: GoldenJson = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"));
  let golden: ReadonlyMap<string, GoldenTensor> | undefined;
  const checkpoint = join(folder, "checkpoint");
  return {
    name: json.name,
    folder,
    family: json.windows === undefined ? "vit" : "swin",
    classes: json.classes,
    second: json.second,
    prefixTokens: json.prefix_tokens,
    head: json.head,
    blocks: json.blocks,
    image: json.image,
    grid: json.grid,
    step: json.step ?? 64,
    windows: json.windows,
    rolloutWindows: json.rollout_windows === "model" ? "model" : "padded-first",
    exports: json.exports.map((e) => ({
      name: e.file.replace(/\.onnx$/, ""),
      path: join(folder, e.file),
      opset: e.opset,
      input: e.input,
      layout: e.layout?.startsWith("NHWC") ? "NHWC" : "NCHW",
      output: e.output ?? "logits",
      batch: e.batch,
      operators: e.operators,
      quantized: /-int8/.test(e.file),
      half: /-fp16|-half/.test(e.file),
      relativeError: e.relative_error_of_export,
    })),
    checkpoint: existsSync(join(checkpoint, "config.json")) ? checkpoint : undefined,
    golden: () => {
      golden ??= readGolden(join(folder, "golden.safetensors"));
      return golden;
    },
  };
}

function readFolder(folder: string): readonly CorpusModel[] {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter((path) => existsSync(join(path, "golden.json")))
    .map(readModel);
}

let models: readonly CorpusModel[] | undefined;

/** All models present: the repository's own always, the full corpus where it is; its absence is said once. */
export function corpus(): readonly CorpusModel[] {
  if (models !== undefined) return models;
  const wanted = process.env.VITREOUS_CORPUS?.split(delimiter).filter((p) => p !== "") ?? [BESIDE];
  const present = wanted.filter((folder) => existsSync(folder));
  if (present.length < wanted.length) {
    process.stderr.write(
      "The full model corpus is absent: testing on the small one in test/fixtures/models.\n",
    );
  }
  models = [...readFolder(FIXTURES), ...present.flatMap(readFolder)];
  return models;
}

/** A tensor of a model's golden results; a missing one is a mistake in the test. */
export function golden(model: CorpusModel, name: string): GoldenTensor {
  const tensor = model.golden().get(name);
  if (tensor === undefined) throw new Error(`${model.name} has no golden tensor "${name}"`);
  return tensor;
}

/** A float32 tensor of a model's golden results. */
export function goldenFloats(model: CorpusModel, name: string): Float32Array {
  const { data } = golden(model, name);
  if (!(data instanceof Float32Array))
    throw new Error(`${model.name}: golden tensor "${name}" is not float32`);
  return data;
}

/** @file Opens a model in a page: an .onnx file or a checkpoint, what is said of it, and a runtime over onnxruntime-web. */
import type { AnatomyHints } from "../../anatomy/hints.js";
import { readModel } from "../../onnx/read.js";
import { type WebRuntimeOptions, webRuntime } from "../../runtime/web/web-runtime.js";
import { understand } from "../graphs.js";
import { completeParts } from "../image-model.js";
import { type NamedText, preparedSize, readSettings } from "../settings.js";
import { readWebCheckpoint, type WebCheckpoint } from "./checkpoint.js";
import { WebModel } from "./web-model.js";

export interface OpenWebOptions extends WebRuntimeOptions {
  /** For messages and records. */
  readonly name?: string;
  /** Text of a preprocessor_config.json, config.json or timm's pretrained_cfg. */
  readonly preprocess?: string;
  /** Class names: JSON, or a name a line. */
  readonly labels?: string;
  readonly imageSize?: readonly [number, number];
  readonly hints?: AnatomyHints;
  readonly seed?: number;
}

/**
 * Opens the bytes of an .onnx file without external data, or a checkpoint. Reads the anatomy; runs nothing yet.
 *
 * @throws VitreousError: no model, no image classifier, settings that do not fit it, no such device.
 */
export async function openModel(
  source: Uint8Array | WebCheckpoint,
  options: OpenWebOptions = {},
): Promise<WebModel> {
  const {
    name = source instanceof Uint8Array ? "model.onnx" : "the weights",
    imageSize,
    hints,
    ...rest
  } = options;
  const { preprocess: preprocessText, labels, seed = 0, ...device } = rest;
  const preprocess = named("preprocess", preprocessText);
  const { model, beside, notes } =
    source instanceof Uint8Array
      ? { model: readModel(source), beside: [], notes: [] }
      : await readWebCheckpoint(source, { name, preprocess, imageSize });
  // A checkpoint's image size is settled when its graph is written.
  const image = source instanceof Uint8Array ? imageSize : undefined;
  const runtime = await webRuntime(device);
  try {
    const { anatomy, graphs, head } = await understand(model, runtime, {
      hints,
      image,
      prepared: preparedSize({ preprocess, beside }),
    });
    const settings = readSettings(
      {
        preprocess,
        labels: named("labels", labels),
        beside,
        metadata: model.metadata,
        imageSize,
      },
      anatomy,
    );
    return new WebModel(
      await completeParts({
        anatomy,
        graphs,
        head,
        runtime,
        settings,
        facts: { name, labels: settings.labels, seed },
        notes,
      }),
    );
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

const named = (name: string, text: string | undefined): NamedText | undefined =>
  text === undefined ? undefined : { name: `the option ${name}`, text };

/** @file Opens a model in a page: bytes of an .onnx file, what is said of it, and a runtime over onnxruntime-web. */
import type { AnatomyHints } from "../../anatomy/hints.js";
import { readModel } from "../../onnx/read.js";
import { type WebRuntimeOptions, webRuntime } from "../../runtime/web/web-runtime.js";
import { understand } from "../graphs.js";
import { completeParts } from "../image-model.js";
import { type NamedText, readSettings } from "../settings.js";
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
 * Opens the bytes of an .onnx file without external data. Reads the anatomy; runs nothing yet.
 *
 * @throws VitreousError: no model, no image classifier, settings that do not fit it, no such device.
 */
export async function openModel(bytes: Uint8Array, options: OpenWebOptions = {}): Promise<WebModel> {
  const { name = "model.onnx", preprocess, labels, imageSize, hints, seed = 0, ...device } = options;
  const model = readModel(bytes);
  const runtime = await webRuntime(device);
  try {
    const { anatomy, graphs, head } = await understand(model, runtime, { hints, image: imageSize });
    const settings = readSettings(
      {
        preprocess: named("preprocess", preprocess),
        labels: named("labels", labels),
        beside: [],
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
      }),
    );
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

const named = (name: string, text: string | undefined): NamedText | undefined =>
  text === undefined ? undefined : { name: `the option ${name}`, text };

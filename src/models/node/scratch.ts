/** @file What a person gives for an architecture alone: a config.json, a folder with one, or a name with arguments. */
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { VitreousError } from "../../onnx/errors.js";
import { parseSpec } from "../../spec.js";
import type { Description } from "../description.js";
import { readConfig } from "../index.js";
import { architectureNamed, fromScratch, type ScratchOptions } from "../scratch.js";
import { isHubName } from "./hub.js";
import { CONFIG, type DescribedCheckpoint, readJson } from "./open.js";
import { openTensors } from "./tensors.js";

/**
 * A model with new weights, as a checkpoint: for all that takes one.
 *
 * @param text a config.json of transformers' or timm's; a folder that holds one, whose weights are not looked at; or
 *   "swin_tiny_patch4_window7_224:embed_dim=48,depths=2-2-4-2"
 * @throws VitreousError where it is none of these, and as `fromScratch` does
 */
export async function describeScratch(text: string, options: ScratchOptions): Promise<DescribedCheckpoint> {
  const { description, notes } = await architectureIn(text);
  const made = fromScratch(description, options);
  return {
    ...made,
    inferred: [],
    files: [],
    notes: [...notes, `All weights are new, drawn with seed ${options.seed}.`],
    close: async () => undefined,
  };
}

interface Given {
  readonly description: Description;
  readonly notes: readonly string[];
}

async function architectureIn(text: string): Promise<Given> {
  if (isHubName(text))
    throw new VitreousError(
      `${text}: of a model that is to begin with new weights only the config.json is needed; download it and give its path, or give the architecture's name.`,
    );
  const found = await stat(text).catch(() => undefined);
  if (found === undefined) {
    if (/[\\/]|\.json$/.test(text.split(":", 1)[0] ?? "")) throw new VitreousError(`${text} does not exist.`);
    return { description: architectureNamed(parseSpec(text)), notes: [] };
  }
  if (found.isDirectory()) {
    const config = join(text, CONFIG);
    if ((await stat(config).catch(() => undefined)) === undefined)
      throw new VitreousError(
        `${text} has no ${CONFIG}, which says what the model is; give an architecture's name instead.`,
      );
    const weights = await openTensors(text).catch(() => undefined);
    await weights?.close();
    const notes =
      weights === undefined ? [] : [`The weights in ${basename(text)} are not used: only ${CONFIG} is.`];
    return { description: readConfig(await readJson(config), config), notes };
  }
  if (!text.toLowerCase().endsWith(".json"))
    throw new VitreousError(
      `${text} is no ${CONFIG}; a model with new weights needs only that, or an architecture's name.`,
    );
  return { description: readConfig(await readJson(text), text), notes: [] };
}

/**
 * @file What training starts from, opened once: a checkpoint with all that lies beside it, or an architecture whose weights
 * are drawn.
 */
import { dirname } from "node:path";
import { inferredInWords } from "../../../api/inferred.js";
import type { OpenOptions } from "../../../api/node/open.js";
import { sha256Of, sha256OfBytes } from "../../../api/node/sha256.js";
import { configurationIn, readText } from "../../../api/node/text.js";
import { type NamedText, preparedSize, type Settings, settlePreprocessing } from "../../../api/settings.js";
import { kindOfPath } from "../../../datasets/files.js";
import { checkedPlan, PREPROCESSING_KEY } from "../../../models/index.js";
import { downloadModel, isHubName } from "../../../models/node/hub.js";
import { type DescribedCheckpoint, describeCheckpoint } from "../../../models/node/open.js";
import { describeScratch } from "../../../models/node/scratch.js";
import { VitreousError } from "../../../onnx/errors.js";
import { parseSpec } from "../../../spec.js";

export type OpenChoices = Pick<
  OpenOptions,
  "arch" | "preprocess" | "imageSize" | "threads" | "device" | "signal" | "onProgress"
>;

export interface CheckpointRequest {
  /** A checkpoint: a folder, a file of weights, hf:owner/name; or, from scratch, what `describeScratch` takes. */
  readonly path: string;
  readonly open: OpenChoices;
  /** Only the architecture is taken, for these classes: weights are drawn by this seed. */
  readonly scratch?: { readonly labels?: readonly string[]; readonly seed: number } | undefined;
}

export interface Checkpoint extends DescribedCheckpoint {
  /** Of the files of weights; of the description where they are drawn. */
  readonly sha256: string;
  /** The size that images are prepared in, where that is said. */
  readonly prepared: readonly [number, number] | undefined;
  /** How images are prepared for a graph that takes these. @throws VitreousError where what is said does not fit it */
  readonly preparation: (
    dims: readonly [channels: number, height: number, width: number],
  ) => Pick<Settings, "preprocessing" | "warnings">;
}

/**
 * Opens it; the files of weights stay open until `close`.
 *
 * @throws VitreousError: no checkpoint, one that is damaged, an ONNX graph; from scratch, no architecture
 */
export async function openForTraining({ path, open, scratch }: CheckpointRequest): Promise<Checkpoint> {
  if (/\.onnx$/i.test(path)) throw graph(path);
  const { arch, imageSize } = open;
  const preprocess = open.preprocess === undefined ? undefined : await readText(open.preprocess);
  const { local, notes: fetched } = scratch ? { local: path, notes: [] } : await onDisk(path, open);
  const beside = await besideOf(local);
  const checkpoint =
    scratch === undefined
      ? await describeCheckpoint(local, arch === undefined ? undefined : parseSpec(arch))
      : await describeScratch(local, { ...scratch, image: imageSize });
  const { description, tensors, files, inferred, notes } = checkpoint;
  const sources = { preprocess, beside, imageSize };
  const prepared = preparedSize(sources);
  return {
    ...checkpoint,
    notes: [...fetched, ...(inferred.length === 0 ? [] : [inferredInWords(inferred)]), ...notes],
    sha256:
      scratch === undefined
        ? await sha256Of(...files)
        : sha256OfBytes(new TextEncoder().encode(JSON.stringify(description))),
    prepared,
    preparation: ([channels, height, width]) => {
      const { preprocessing } = checkedPlan(description, tensors, { image: imageSize, prepared });
      const metadata = new Map(
        preprocessing === undefined ? [] : [[PREPROCESSING_KEY, JSON.stringify(preprocessing)]],
      );
      const takes = { image: [height, width], input: { channels, preprocessing: "outside" } } as const;
      return settlePreprocessing({ ...sources, metadata }, takes);
    },
  };
}

async function onDisk(
  path: string,
  { signal, onProgress }: OpenChoices,
): Promise<{ readonly local: string; readonly notes: readonly string[] }> {
  if (!isHubName(path)) return { local: path, notes: [] };
  const { folder, onnx, notes } = await downloadModel(path, { signal, onProgress });
  if (onnx !== undefined) throw graph(path);
  return { local: folder, notes };
}

/** The configuration beside what is given; nothing for a name. */
async function besideOf(path: string): Promise<readonly NamedText[]> {
  const kind = await kindOfPath(path);
  return kind === undefined ? [] : configurationIn(kind === "folder" ? path : dirname(path));
}

const graph = (path: string): VitreousError =>
  new VitreousError(
    `${path} is an ONNX graph, which cannot be fine-tuned here; give the checkpoint that it was made from (a folder with config.json and model.safetensors, or a file of weights with --arch)`,
  );

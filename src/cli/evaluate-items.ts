/** @file What `evaluate` scores: each image with the maps of methods, of files and of controls. */
import type { NodeModel } from "../api/node/node-model.js";
import type { TargetChoice } from "../api/target.js";
import type { ScoreItem } from "../api/types.js";
import { VitreousError } from "../onnx/errors.js";
import { mix } from "../random.js";
import { type Candidate, controlsFor } from "./candidates.js";
import type { EvaluateOptions, Plan } from "./evaluate-options.js";
import { type ImageList, type NamedImage, readImages, trackNames } from "./images.js";
import { type MapFolder, readMap } from "./maps.js";
import type { ScoredSubject } from "./results.js";

export interface ItemSource {
  readonly model: NodeModel;
  readonly plan: Plan;
  readonly list: ImageList;
  readonly maps: MapFolder | undefined;
  readonly target: TargetChoice;
  readonly options: EvaluateOptions;
  readonly signal: AbortSignal;
  /** What belongs to each item, until it comes back scored. */
  readonly subjects: Map<ScoreItem, ScoredSubject>;
}

/** Each image with its maps, explained in batches as the scoring asks for more. */
export async function* scoreItems(source: ItemSource): AsyncGenerator<ScoreItem> {
  const { model, plan, list, maps, target, options, signal, subjects } = source;
  const named = trackNames(readImages(model, list, { signal, labelled: target === "true" }));
  const settings = { target, signal, ...(options.batch ? { batch: options.batch } : {}) };
  const explained =
    plan.methods.length > 0 ? model.explainAll(named.images, plan.methods, settings) : undefined;
  for await (const next of explained ?? named.images) {
    const explanation = "maps" in next ? next : undefined;
    const image = "maps" in next ? next.image : next;
    const item = named.take(image);
    const { height, width } = image.tensor;
    const own: Candidate[] = (explanation?.maps ?? []).map((map, m) => ({
      method: plan.specs[m] ?? map.method,
      values: map.atImageSize(),
      control: false,
    }));
    own.push(...(await outsideMaps(maps, item, [height, width], list)));
    const controls = options.controls ? controlsFor(image.tensor, own, mix(item.seed, options.seed)) : [];
    const candidates = [...own, ...controls];
    if (candidates.length === 0) continue;
    const primary = explanation?.target?.index ?? givenClass(target, image.label);
    const classes = primary === undefined ? undefined : [...new Set([primary, image.label ?? primary])];
    const scoreItem: ScoreItem = {
      image,
      maps: candidates,
      ...(classes === undefined ? {} : { classes }),
      ...(explanation === undefined ? {} : { logits: explanation.logits }),
    };
    subjects.set(scoreItem, { ...item, candidates, explanation });
    yield scoreItem;
  }
}

/** The class to follow where no method was run; undefined: the predicted one. */
function givenClass(target: TargetChoice, label: number | undefined): number | undefined {
  if (target === "top") return undefined;
  if (target === "true") return label;
  return typeof target === "number" ? target : target.plus;
}

/** Maps of `--maps` for one image; what cannot be used is listed as failed. */
async function outsideMaps(
  maps: MapFolder | undefined,
  { stem, image }: NamedImage,
  size: readonly [number, number],
  { failed }: ImageList,
): Promise<readonly Candidate[]> {
  if (maps === undefined) return [];
  const files = maps.mapsOf(stem);
  if (files.length === 0)
    failed.push({ image: image.name, error: `there is no map ${stem}.npy or ${stem}.<name>.npy` });
  const read: Candidate[] = [];
  for (const file of files) {
    try {
      read.push({ ...(await readMap(file, size)), control: false });
    } catch (error) {
      if (!(error instanceof VitreousError)) throw error;
      failed.push({ image: image.name, error: error.message });
    }
  }
  return read;
}

/** @file An opened model that knows how its images are prepared; Node and pages add how they are read. */

import type { Preprocessing } from "../imaging/preprocessing.js";
import type { ImageTensor } from "../metrics/metric.js";
import type { Runtime } from "../runtime/runtime.js";
import type { Understood } from "./graphs.js";
import type { ModelImage } from "./image.js";
import { OpenedModel } from "./opened.js";
import { type ImagePreparer, imagePreparer } from "./prepare-image.js";
import { Sessions } from "./sessions.js";
import type { Settings } from "./settings.js";
import type { ModelFacts } from "./types.js";

/** All that opening a model has found out. */
export interface ModelParts extends Understood {
  readonly runtime: Runtime;
  readonly settings: Settings;
  readonly facts: ModelFacts;
  readonly preparer: ImagePreparer;
  /** How its file was understood, where a person should know: values that were inferred. */
  readonly notes?: readonly string[];
  /** Sets of methods that stay ready to run; default 1. */
  readonly ready?: number;
}

/** The parts with what takes a run of the model's head to know: how black comes out. */
export async function completeParts(
  parts: Omit<ModelParts, "preparer" | "facts"> & { readonly facts: Omit<ModelFacts, "black"> },
): Promise<ModelParts> {
  const { anatomy, runtime, head, settings, facts } = parts;
  const preparer = imagePreparer({ anatomy, preprocessing: settings.preprocessing, runtime, head });
  return { ...parts, preparer, facts: { ...facts, black: await preparer.black() } };
}

export class ImageModel extends OpenedModel {
  readonly preprocessing: Preprocessing;
  /** What the user should be told about how it was opened. */
  readonly warnings: readonly string[];
  /** How the model's file was understood, where a person should know. */
  readonly notes: readonly string[];
  protected readonly preparer: ImagePreparer;

  constructor({ anatomy, graphs, runtime, settings, facts, preparer, notes = [], ready = 1 }: ModelParts) {
    super(anatomy, facts, new Sessions(runtime, graphs, facts.name, ready));
    this.preprocessing = settings.preprocessing;
    this.warnings = settings.warnings;
    this.notes = notes;
    this.preparer = preparer;
  }

  /** A tensor [channels, height, width] that holds exactly what the model's own input takes, as an image. */
  async fromTensor(given: ImageTensor, name = "tensor"): Promise<ModelImage> {
    return { name, tensor: await this.preparer.given(given) };
  }
}

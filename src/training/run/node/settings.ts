/** @file What a fine-tuning's result depends on, as training.json keeps it and as a resumed run is compared by. */
import { nameOf } from "../../../models/description.js";
import { VERSION } from "../../../version.js";
import type { Settings } from "../record.js";
import type { LabelledData } from "./labelled-data.js";
import type { FinetuneRequest } from "./request.js";
import type { StartingModel } from "./starting-model.js";
import type { Teacher } from "./teacher.js";

/** What training.json and resumption know of a run. Threads and device are not among it. */
export function settingsOf(
  { options, data: path }: FinetuneRequest,
  data: LabelledData,
  model: StartingModel,
  teacher: Teacher | undefined,
): Settings {
  const { source: _, warnings: __, ...preparation } = model.preprocessing;
  return {
    vitreous: VERSION,
    model: { sha256: model.sha256, name: nameOf(model.base.description) },
    data: { name: data.splits.dataset.name || path, sha256: data.sha256 },
    classes: data.splits.classes,
    image: model.dims,
    preparation,
    ...options,
    ...(teacher !== undefined && { teacher: { sha256: teacher.sha256 } }),
  };
}

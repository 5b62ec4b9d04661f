/** @file A unit of scores: one source's maps of a chunk by one metric. */
import type { ScoredImage, ScoreItem } from "../../api/types.js";
import { imageMap } from "../../explain/map.js";
import type { Method, TokenMap } from "../../explain/method.js";
import { controlMap, invertedMap } from "../../metrics/controls.js";
import { mix } from "../../random.js";
import { type ChunkWork, type Subject, settings } from "./chunk-work.js";
import type { ByImage, Endpoints, Scored } from "./results.js";
import type { MapSource, ScoreUnit } from "./units.js";

/** @param maps the method's, by image; none of a control */
export async function scoresOf(
  work: ChunkWork,
  { metric: { id }, source }: ScoreUnit,
  subjects: readonly Subject[],
  endpoints: ByImage<Endpoints>,
  maps: ByImage<TokenMap>,
): Promise<ByImage<Scored>> {
  const metric = work.context.metrics.get(id);
  if (metric === undefined) throw new RangeError(`there is no metric ${id}`);
  const { scaling = "max" } = source.kind === "control" ? {} : (work.methods.get(source.method.id) ?? {});
  const scores: (Scored | null)[] = work.images.map(() => null);
  const asked = new Map<ScoreItem, number>();
  const items = function* (): Generator<ScoreItem> {
    for (const subject of subjects) {
      const { image, logits, explained, blurred, index } = subject;
      const values = sizedMap(work, source, subject, maps[index], scaling);
      if (!values.every(Number.isFinite)) {
        scores[index] = without("the map has values that are not finite");
        continue;
      }
      const known = endpoints[index];
      const item = {
        image,
        maps: [{ method: source.id, values }],
        classes: [explained.index],
        logits,
        blurred,
        ...(known && { known }),
      };
      asked.set(item, index);
      yield item;
    }
  };
  for await (const { item, scores: found } of work.model.scoreAll(items(), [metric], settings(work))) {
    const index = asked.get(item);
    asked.delete(item);
    if (index !== undefined) scores[index] = scoredOf(found);
  }
  return scores;
}

function scoredOf([score]: ScoredImage["scores"]): Scored {
  if (score === undefined) throw new RangeError("a map was not scored");
  const { auc, curve, extra, notes } = score;
  if (!Number.isFinite(auc)) return without("the model's outputs are not finite");
  return { score: auc, reason: null, curve, extra, notes };
}

const without = (reason: string): Scored => ({ score: null, reason, curve: [], extra: {}, notes: [] });

/** What is scored, at image size. */
function sizedMap(
  { context }: ChunkWork,
  source: MapSource,
  { image, planned }: Subject,
  map: TokenMap | null | undefined,
  scaling: Method["scaling"],
): Float32Array {
  if (source.kind === "control") {
    // What is random about an image follows from its content, so it does not depend on which others are there.
    const own = mix(0, Number.parseInt(planned.sha256.slice(0, 8), 16));
    return controlMap(source.control, image.tensor, mix(own, context.declaration.seed));
  }
  if (!map) throw new RangeError("an image without a map");
  const sized = imageMap(map, scaling, [image.tensor.height, image.tensor.width]);
  return source.kind === "inverted" ? invertedMap(sized) : sized;
}

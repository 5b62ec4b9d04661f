/** @file The ends of a chunk's curves, which all maps share: read where they are stored, made and stored where not. */
import { attempt, type ChunkWork, type Subject, settings } from "./chunk-work.js";
import { type ByImage, type Endpoints, readEndpoints, writeEndpoints } from "./results.js";

/** By metric id; what failed is left out. */
export async function allEndpoints(
  work: ChunkWork,
  subjects: readonly Subject[],
): Promise<ReadonlyMap<string, ByImage<Endpoints>>> {
  const endpoints = new Map<string, ByImage<Endpoints>>();
  for (const id of work.units.endpoints.keys()) {
    const known = await endpointsOf(work, id, subjects);
    if (known !== undefined) endpoints.set(id, known);
  }
  return endpoints;
}

async function endpointsOf(
  work: ChunkWork,
  id: string,
  subjects: readonly Subject[],
): Promise<ByImage<Endpoints> | undefined> {
  const key = work.units.endpoints.get(id);
  const metric = work.context.metrics.get(id);
  if (key === undefined || metric === undefined) throw new RangeError(`there is no metric ${id}`);
  const stored = work.read(key);
  if (stored !== undefined) return readEndpoints(stored);
  const made = await attempt(work, null, async () => {
    const items = subjects.map(({ image, logits, blurred }) => ({ image, logits, blurred }));
    const found: (Endpoints | null)[] = work.images.map(() => null);
    let done = 0;
    for await (const { known } of work.model.endpointsAll(items, [metric], settings(work))) {
      const subject = subjects[done++];
      if (subject !== undefined) found[subject.index] = known;
    }
    return found;
  });
  if (made !== undefined) await work.write(key, writeEndpoints(made));
  return made;
}

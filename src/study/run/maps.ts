/** @file A chunk's maps, method by method: read where they are stored, made and stored where not. */
import type { TokenMap } from "../../explain/method.js";
import type { UnitKey } from "../types.js";
import { attempt, type ChunkWork, type Subject, settings } from "./chunk-work.js";
import { type ByImage, readMaps, writeMaps } from "./results.js";

/** By method id; a method that failed is left out. */
export async function allMaps(
  work: ChunkWork,
  subjects: readonly Subject[],
): Promise<ReadonlyMap<string, ByImage<TokenMap>>> {
  const maps = new Map<string, ByImage<TokenMap>>();
  for (const [id, key] of work.units.maps) {
    const stored = work.read(key);
    const found = stored ? readMaps(stored) : await mapsOf(work, id, key, subjects);
    if (found === undefined) continue;
    maps.set(id, found);
    work.report.maps(id, found);
  }
  return maps;
}

async function mapsOf(
  work: ChunkWork,
  id: string,
  key: UnitKey,
  subjects: readonly Subject[],
): Promise<ByImage<TokenMap> | undefined> {
  const method = work.methods.get(id);
  if (method === undefined) throw new RangeError(`there is no method ${id}`);
  const maps = await attempt(work, id, () =>
    work.explaining(async () => {
      // The class is settled already: it stands as the image's label, and the graph is told to explain that one.
      const given = subjects.map(({ image, explained }) => ({ ...image, label: explained.index }));
      const [first] = subjects;
      const minus = first?.explained.minus;
      const target =
        first !== undefined && minus !== undefined ? { plus: first.explained.index, minus } : "true";
      const found: (TokenMap | null)[] = work.images.map(() => null);
      let done = 0;
      for await (const { maps } of work.model.explainAll(given, [method], { ...settings(work), target })) {
        const subject = subjects[done++];
        const [map] = maps;
        if (subject !== undefined && map !== undefined)
          found[subject.index] = { grid: map.grid, values: map.values };
      }
      return found;
    }),
  );
  if (maps !== undefined) await work.write(key, writeMaps(maps));
  return maps;
}

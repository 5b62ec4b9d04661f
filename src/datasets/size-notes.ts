/**
 * @file Whether the size of a picture tells its class: a classifier may then learn the size (or the blur that resizing
 * leaves of it) in the place of what is in the picture.
 */
import type { DatasetItem } from "./dataset.js";

/** Fewer images of a size and class are chance. */
const LEAST_IMAGES = 5;
/** Of a class, that has a size; and how many times the share of the others. */
const LEAST_SHARE = 0.2;
const LEAST_RATIO = 3;
/** Sentences; the sizes of most images first. */
const MOST_NOTES = 5;

type Labelled = Pick<DatasetItem, "name" | "label">;

const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

/** Images by class, of those that were read. */
function countsOf(items: readonly Labelled[], counted: (name: string) => boolean): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name, label = "no label" } of items)
    if (counted(name)) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

/** How many images are not of the commonest size, by class. */
export function offSizeNote(
  sizeOf: ReadonlyMap<string, string>,
  items: readonly Labelled[],
  common: string,
): string[] {
  const off = countsOf(items, (name) => sizeOf.has(name) && sizeOf.get(name) !== common);
  const all = countsOf(items, (name) => sizeOf.has(name));
  const total = [...off.values()].reduce((a, b) => a + b, 0);
  // Where every image has a size of its own, size says nothing.
  if (total === 0 || total * 2 > sizeOf.size) return [];
  const classes = [...off].map(([label, n]) => `${label} ${n}, ${share(n, all.get(label) ?? n)} of it`);
  return [
    `${total} of ${sizeOf.size} images are not ${common} (${classes.join("; ")}): if that goes with the class, a model may have learnt it`,
  ];
}

/** Sizes that one class has far more often than the others. */
export function shortcutNotes(sizeOf: ReadonlyMap<string, string>, items: readonly Labelled[]): string[] {
  const all = countsOf(items, (name) => sizeOf.has(name));
  if (all.size < 2) return [];
  const bySize = new Map<string, Labelled[]>();
  for (const item of items) {
    const size = sizeOf.get(item.name);
    if (size === undefined) continue;
    const same = bySize.get(size);
    if (same) same.push(item);
    else bySize.set(size, [item]);
  }
  const found: { readonly images: number; readonly note: string }[] = [];
  for (const [size, same] of bySize) {
    const counts = countsOf(same, () => true);
    for (const [label, n] of counts) {
      const own = all.get(label) ?? n;
      const [others, ofSize] = [sizeOf.size - own, same.length - n];
      if (n < LEAST_IMAGES || n < LEAST_SHARE * own || n * others < LEAST_RATIO * ofSize * own) continue;
      found.push({
        images: n,
        note: `${size} goes with the class ${label}: ${n} of its ${own} images are of that size (${share(n, own)}), of the others ${share(ofSize, others)}; a model may learn the size in the place of the picture (a shortcut)`,
      });
    }
  }
  return found
    .sort((a, b) => b.images - a.images)
    .slice(0, MOST_NOTES)
    .map(({ note }) => note);
}

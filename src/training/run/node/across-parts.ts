/** @file Whether a split that was made elsewhere has images in several parts that look almost alike. */
import { alikePairs } from "../../../datasets/alike.js";
import type { Dataset } from "../../../datasets/dataset.js";
import { type Looker, lookAt, lookAtEach } from "../../../datasets/look.js";
import type { SplitItem, SplitRecord } from "../../data/splits.js";

interface Watch {
  readonly look?: Looker;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** A sentence with the number of such pairs and one of them; none where there are none. */
export async function acrossNotes(
  { items }: SplitRecord,
  dataset: Dataset,
  { look = lookAt, signal, onProgress }: Watch,
): Promise<readonly string[]> {
  const pathOf = new Map(dataset.items.map(({ name, path }) => [name, path]));
  const printOf = async ({ path: name }: SplitItem) => {
    const path = pathOf.get(name);
    const seen = path === undefined ? undefined : await look(path, { fingerprint: true });
    return seen === undefined || "failure" in seen ? undefined : seen.fingerprint;
  };
  const prints = [];
  for await (const print of lookAtEach(items, printOf, signal)) {
    prints.push(print);
    onProgress?.(prints.length, items.length);
  }
  const across = (await alikePairs(prints, signal)).flatMap(({ a, b }) => {
    const [one, other] = [items[a], items[b]];
    return one && other && one.split !== other.split ? [[one, other] as const] : [];
  });
  const [first] = across;
  if (first === undefined) return [];
  const [one, other] = first;
  return [
    `${across.length} pair${across.length > 1 ? "s" : ""} of images that look almost alike ${across.length > 1 ? "lie" : "lies"} in different parts of the split, ${one.path} (${one.split}) and ${other.path} (${other.split}) for one; the split is left as it is, and its scores may be too good`,
  ];
}

/**
 * @file What a data set is: a list of labelled pictures with what is known of them, nothing decoded. Every published
 * layout comes down to this, so that nothing downstream knows which one it has.
 */

/** In pixels of the original picture, ends exclusive. */
export interface ItemBox {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export interface DatasetItem {
  /** Where the picture is. */
  readonly path: string;
  /** Its path within the data set, with "/" on every system: the item's name in results, splits and seeds. */
  readonly name: string;
  readonly label?: string;
  /** Items of one group (a patient, near-duplicates) must stay in one split. */
  readonly group?: string;
  /** Segmentations of the finding; several are meant as their union. */
  readonly masks?: readonly string[];
  readonly box?: ItemBox;
  readonly split?: string;
}

export interface Skipped {
  readonly path: string;
  readonly reason: string;
}

export interface Dataset {
  readonly name: string;
  readonly layout: "pbc" | "busi" | "class-folders" | "images" | "manifest";
  /** The folder that item names are relative to. */
  readonly root: string;
  /** Class names in natural order; an item's class index is its label's place here. */
  readonly classes: readonly string[];
  /** In natural order of their names. */
  readonly items: readonly DatasetItem[];
  /** What looked like a picture and was left out. */
  readonly skipped: readonly Skipped[];
  /** Sentences for people: counts, and what to beware of. */
  readonly notes: readonly string[];
}

/**
 * @file Opens a data set from wherever it was unpacked: PBC and BUSI as published, a folder for each class, a plain
 * folder, or a CSV manifest. Only names are read; a damaged picture shows when it is decoded.
 */
import { basename, dirname, join, relative, resolve } from "node:path";
import { VitreousError } from "../onnx/errors.js";
import type { Dataset, DatasetItem, Skipped } from "./dataset.js";
import { type Folder, kindOfPath, readFolder, skippedOf, stemOf, walkFolders } from "./files.js";
import { groupNotes, identicalGroups, readGroups } from "./groups.js";
import { readManifest } from "./manifest.js";
import { naturalCompare } from "./order.js";

export interface DatasetOptions {
  /** Without a groups.csv or a group column: byte-identical files become groups. Files of equal length are read. */
  readonly groupIdentical?: boolean;
  readonly signal?: AbortSignal;
}

/** Published data sets, by the folder that their archives unpack to. */
const PUBLISHED = [
  { folder: "PBC_dataset_normal_DIB", layout: "pbc", name: "PBC" },
  { folder: "Dataset_BUSI_with_GT", layout: "busi", name: "BUSI" },
] as const;

type Opened = Omit<Dataset, "classes"> & { readonly grouped: boolean };

const slashes = (path: string): string => path.replaceAll("\\", "/");

/** The pictures of one folder as items. */
function itemsOf(folder: Folder, root: string, label: string | undefined): DatasetItem[] {
  return folder.pictures.map((file) => {
    const masks = folder.masks.get(stemOf(file));
    return {
      path: join(folder.path, file),
      name: slashes(relative(root, join(folder.path, file))),
      ...(label === undefined ? {} : { label }),
      ...(masks ? { masks: masks.map((m) => join(folder.path, m)) } : {}),
    };
  });
}

function skippedIn(folders: readonly Folder[]): Skipped[] {
  return folders.flatMap((folder) => [
    ...skippedOf(folder),
    ...folder.orphans.map((name) => ({ path: join(folder.path, name), reason: "mask without its image" })),
  ]);
}

/** A folder for each class: everything below root/<class> is of that class. */
async function openClassFolders(
  root: string,
  layout: Dataset["layout"],
  name: string,
  top: Folder,
): Promise<Opened> {
  const items: DatasetItem[] = [];
  const folders: Folder[] = [top];
  for (const label of top.folders) {
    const below = await walkFolders(join(root, label));
    folders.push(...below);
    items.push(...below.flatMap((folder) => itemsOf(folder, root, label)));
  }
  const loose = top.pictures.map((file) => ({
    path: join(root, file),
    reason: "lies outside of the class folders",
  }));
  return { name, layout, root, items, skipped: [...skippedIn(folders), ...loose], notes: [], grouped: false };
}

/** Whether any picture lies below a folder. */
async function holdsPictures(path: string): Promise<boolean> {
  return (await walkFolders(path)).some((folder) => folder.pictures.length > 0);
}

async function openFolder(path: string): Promise<Opened> {
  const top = await readFolder(path);
  for (const { folder, layout, name } of PUBLISHED) {
    if (basename(path) === folder) return openClassFolders(path, layout, name, top);
    if (top.folders.includes(folder)) {
      const root = join(path, folder);
      return openClassFolders(root, layout, name, await readFolder(root));
    }
  }
  const manifest = join(path, "manifest.csv");
  if ((await kindOfPath(manifest)) === "file") return openManifest(manifest);
  const name = basename(path);
  if (top.pictures.length === 0) {
    const classes: string[] = [];
    for (const folder of top.folders) if (await holdsPictures(join(path, folder))) classes.push(folder);
    return openClassFolders(path, "class-folders", name, { ...top, folders: classes });
  }
  const items = itemsOf(top, path, undefined);
  const notes =
    top.folders.length > 0 ? [`${top.folders.length} folders beside the images were not read`] : [];
  return { name, layout: "images", root: path, items, skipped: skippedIn([top]), notes, grouped: false };
}

async function openManifest(path: string): Promise<Opened> {
  const { items, skipped, notes } = await readManifest(path);
  const root = dirname(path);
  const grouped = items.some((item) => item.group !== undefined);
  return { name: basename(root), layout: "manifest", root, items, skipped, notes, grouped };
}

/** Groups from groups.csv at the root, or beside a published folder, or by content on request. */
async function withGroups(opened: Opened, options: DatasetOptions): Promise<Opened> {
  if (opened.grouped) return opened;
  const published = opened.layout === "pbc" || opened.layout === "busi";
  const found = await readGroups([opened.root, ...(published ? [dirname(opened.root)] : [])]);
  const groups =
    found?.groups ??
    (options.groupIdentical ? await identicalGroups(opened.items, options.signal) : undefined);
  if (!groups) return opened;
  const items = opened.items.map((item) => {
    const group = groups.get(item.name);
    return group === undefined ? item : { ...item, group };
  });
  return { ...opened, items };
}

function countNotes(items: readonly DatasetItem[], skipped: readonly Skipped[]): string[] {
  const several = items.filter((item) => (item.masks?.length ?? 0) > 1).length;
  const unlabelled = items.filter((item) => item.label === undefined).length;
  const reasons = new Map<string, number>();
  for (const { reason } of skipped) {
    const kind = reason.startsWith("listed on line") ? "listed in the manifest, but no such file" : reason;
    reasons.set(kind, (reasons.get(kind) ?? 0) + 1);
  }
  return [
    ...[...reasons].map(([reason, n]) => `${n} file${n > 1 ? "s" : ""} skipped: ${reason}`),
    ...(unlabelled > 0 && unlabelled < items.length ? [`${unlabelled} images have no label`] : []),
    ...(several > 0
      ? [`${several} image${several > 1 ? "s have" : " has"} several masks, meant as their union`]
      : []),
  ];
}

/**
 * Opens a data set.
 *
 * @param path A folder (PBC or BUSI as published or the folder above, a folder with manifest.csv, a folder for each
 *   class, a folder of pictures) or a CSV file.
 * @throws VitreousError when there is nothing, or no picture in it, or the CSV is wrong (with its line).
 */
export async function openDataset(path: string, options: DatasetOptions = {}): Promise<Dataset> {
  const full = resolve(path);
  const kind = await kindOfPath(full);
  if (!kind) throw new VitreousError(`${path} does not exist.`);
  if (kind === "file" && !/\.csv$/i.test(path)) {
    throw new VitreousError(`${path} is no data set: give a folder of images or a CSV manifest.`);
  }
  const opened = await withGroups(await (kind === "file" ? openManifest(full) : openFolder(full)), options);
  if (opened.items.length === 0) {
    const left =
      opened.skipped.length > 0
        ? ` (${opened.skipped.length} files were left out: ${opened.skipped[0]?.reason})`
        : "";
    throw new VitreousError(
      `${path} holds no images${left}. Images are PNG, JPEG, TIFF, WebP or BMP files, in the folder itself or in a folder for each class.`,
    );
  }
  const { grouped: _, ...dataset } = opened;
  const items = [...opened.items].sort((a, b) => naturalCompare(a.name, b.name));
  const labels = new Set(items.flatMap((item) => (item.label === undefined ? [] : [item.label])));
  return {
    ...dataset,
    items,
    classes: [...labels].sort(naturalCompare),
    notes: [...opened.notes, ...countNotes(items, opened.skipped), ...groupNotes(items)],
  };
}

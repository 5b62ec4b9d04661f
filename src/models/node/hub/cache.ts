/**
 * @file The cache that Python's huggingface_hub keeps, in its layout, so that each finds what the other has fetched:
 * `blobs/<hash>` holds the content, `snapshots/<commit>/<path>` links to it, `refs/<revision>` holds the commit.
 */
import { randomBytes } from "node:crypto";
import { copyFile, link, lstat, readdir, readFile, readlink, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { makeFolder, writeFailure, writeFileAtomic } from "../../../imaging/node/atomic.js";
import { holds } from "./check.js";
import { type HubName, isCommit } from "./name.js";
import type { HubFile } from "./repository.js";

export interface HubCache {
  /** The folder of contents. */
  readonly blobs: string;
  /** Where the content of a file belongs. */
  blob(hash: string): string;
  snapshot(commit: string): string;
  /** The commit that the revision was when it was last looked up. */
  commitOf(revision: string): Promise<string | undefined>;
  /** Records which commit the revision is. */
  record(revision: string, commit: string): Promise<void>;
  /** Makes the folders in which a file of the commit will lie. */
  prepare(commit: string, path: string): Promise<void>;
  /** Makes the snapshot's file be the blob. */
  place(commit: string, file: HubFile): Promise<void>;
  /** Whether the snapshot has the file and it is sound; a file without a hash in its link cannot be told from a sound one. */
  sound(commit: string, path: string): Promise<boolean>;
}

export function hubCache(root: string, { repository }: HubName): HubCache {
  const folder = join(root, `models--${repository.replaceAll("/", "--")}`);
  const blobs = join(folder, "blobs");
  const blob = (hash: string): string => join(blobs, hash);
  const snapshot = (commit: string): string => join(folder, "snapshots", commit);
  const ref = (revision: string): string => join(folder, "refs", ...revision.split("/"));
  return {
    blobs,
    blob,
    snapshot,
    async commitOf(revision) {
      if (isCommit(revision)) return revision;
      const text = await readFile(ref(revision), "utf8").catch(() => "");
      return isCommit(text.trim()) ? text.trim() : undefined;
    },
    async record(revision, commit) {
      if (isCommit(revision) || (await this.commitOf(revision)) === commit) return;
      await makeFolder(dirname(ref(revision)));
      await writeFileAtomic(ref(revision), commit);
    },
    async prepare(commit, path) {
      await makeFolder(blobs);
      await makeFolder(dirname(join(snapshot(commit), path)));
    },
    async place(commit, file) {
      const pointer = join(snapshot(commit), file.path);
      try {
        await point(pointer, blob(file.hash));
      } catch (error) {
        throw writeFailure(pointer, error);
      }
    },
    async sound(commit, path) {
      const pointer = join(snapshot(commit), path);
      const target = await readlink(pointer).catch(() => undefined);
      const hash = target === undefined ? "" : basename(target);
      if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)) return (await lstat(pointer)).isFile();
      return (await holds(pointer, { hash })) === true;
    },
  };
}

/** A relative link, as Python makes it; where the system allows none (Windows), the file under a second name. */
async function point(pointer: string, blob: string): Promise<void> {
  const beside = `${pointer}.${randomBytes(4).toString("hex")}.link`;
  try {
    await symlink(relative(dirname(pointer), blob), beside)
      .catch(() => link(blob, beside))
      .catch(() => copyFile(blob, beside));
    await rename(beside, pointer);
  } finally {
    await rm(beside, { force: true });
  }
}

/** Names of the files in one folder of a snapshot, as paths in the repository. */
export async function snapshotNames(snapshot: string, folder: string): Promise<ReadonlySet<string>> {
  const entries = await readdir(join(snapshot, folder), { withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => !entry.isDirectory());
  return new Set(files.map(({ name }) => (folder === "" ? name : `${folder}/${name}`)));
}

/**
 * @file What a repository holds at a revision, as @huggingface/hub tells it. The library is loaded here, when the
 * first model of the hub is opened, and not before.
 */
import { VitreousError } from "../../../onnx/errors.js";
import { type HubClient, Unreachable } from "./client.js";

export interface HubFile {
  /** With "/" between. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of the content for large files (64 digits), git's SHA-1 of the blob for others (40 digits). */
  readonly hash: string;
}

export interface Repository {
  readonly commit: string;
  /** The files in one folder ("" is the root), not those below it. */
  files(folder: string): Promise<readonly HubFile[]>;
}

/** @throws Unreachable; VitreousError where there is no such repository or revision, or no access */
export async function readRepository(client: HubClient): Promise<Repository> {
  const { modelInfo } = await import("@huggingface/hub");
  const { sha } = await understood(client, () =>
    modelInfo({
      name: client.name.repository,
      revision: client.name.revision,
      additionalFields: ["sha"],
      hubUrl: client.settings.endpoint,
      fetch: client.fetch,
    }),
  );
  if (!/^[0-9a-f]{40}$/.test(sha)) throw noHub(client, "it names no commit");
  const root = await listing(client, sha, "");
  return {
    commit: sha,
    async files(folder) {
      if (folder === "") return root.files;
      return root.folders.has(folder) ? (await listing(client, sha, folder)).files : [];
    },
  };
}

interface Listing {
  readonly files: readonly HubFile[];
  readonly folders: ReadonlySet<string>;
}

function listing(client: HubClient, commit: string, folder: string): Promise<Listing> {
  return understood(client, async () => {
    const { listFiles } = await import("@huggingface/hub");
    const files: HubFile[] = [];
    const folders = new Set<string>();
    const entries = listFiles({
      repo: { type: "model", name: client.name.repository },
      revision: commit,
      path: folder,
      hubUrl: client.settings.endpoint,
      fetch: client.fetch,
    });
    for await (const { type, path, lfs, oid = "", size } of entries) {
      if (type === "directory") folders.add(path);
      if (type !== "file") continue;
      const file = { path, ...(lfs ? { hash: lfs.oid, size: lfs.size } : { hash: oid, size }) };
      if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(file.hash) || !(file.size >= 0)) {
        throw noHub(client, `it tells no hash of ${path}`);
      }
      files.push(file);
    }
    return { files, folders };
  });
}

/** The library reads what it gets as it expects it to be: a login page or another service makes it stumble. */
async function understood<T>(client: HubClient, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    client.signal?.throwIfAborted();
    if (error instanceof VitreousError) throw error;
    throw noHub(client, "its answer is not what a hub says", error);
  }
}

const noHub = (client: HubClient, why: string, cause?: unknown): Unreachable =>
  new Unreachable(`${client.settings.endpoint} does not answer as a Hugging Face hub: ${why}`, { cause });

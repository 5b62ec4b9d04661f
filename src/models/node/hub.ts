/**
 * @file A model of the Hugging Face hub as a folder on disk: looked up, chosen, fetched into the cache that Python's
 * tools share, and checked; or taken from that cache where the hub cannot be asked.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { VitreousError } from "../../onnx/errors.js";
import { type HubCache, hubCache, snapshotNames } from "./hub/cache.js";
import { holds } from "./hub/check.js";
import { chooseFiles } from "./hub/choose.js";
import { type HubClient, hubClient, Unreachable } from "./hub/client.js";
import { type HubName, isCommit, parseHubName } from "./hub/name.js";
import { type HubFile, readRepository } from "./hub/repository.js";
import { hubSettings } from "./hub/settings.js";
import { fetchBlob, type WantedFile } from "./hub/transfer.js";

export { isHubName } from "./hub/name.js";

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told how many bytes of all that is missing have come, how many these are, and the file they belong to. */
  readonly onProgress?: ((bytes: number, total: number, file: string) => void) | undefined;
  /** An access token; else that of the environment or of a login with Python's tools. */
  readonly token?: string | undefined;
}

export interface DownloadedModel {
  /** Holds the configuration and the weights. */
  readonly folder: string;
  /** The model's file in the folder, where it is an .onnx file. */
  readonly onnx: string | undefined;
  /** What the user should be told. */
  readonly notes: readonly string[];
}

/**
 * Brings a model of the hub onto this machine: its configuration and its weights, nothing else. What is in the cache
 * already and sound is not fetched again; where the hub cannot be reached, the cache is used as it is.
 *
 * @param name "hf:owner/name" or "hf:owner/name@revision"
 * @throws VitreousError: a bad name, no such repository or revision, no access, no weights in it, no network and not
 *   in the cache, cut for good (run again to go on), wrong content twice, no room on the disk
 */
export async function downloadModel(name: string, options: DownloadOptions = {}): Promise<DownloadedModel> {
  const hub = parseHubName(name);
  const settings = await hubSettings(process.env, options.token);
  const cache = hubCache(settings.cache, hub);
  const cached = async (why: string, remedy: string): Promise<DownloadedModel> => {
    const found = await fromCache(hub, cache, why);
    if (found !== undefined) return found;
    throw new VitreousError(
      `hf:${hub.repository}: ${why}, and revision "${hub.revision}" is not in the cache ${settings.cache}: ${remedy}`,
    );
  };
  if (settings.offline) return cached("HF_HUB_OFFLINE is set", "unset it to download the model");
  const client = hubClient(hub, settings, options.signal);
  try {
    return await fromHub(client, cache, options);
  } catch (error) {
    if (error instanceof Unreachable) return cached(error.message, "check the network and HF_ENDPOINT");
    throw error;
  }
}

async function fromHub(
  client: HubClient,
  cache: HubCache,
  { onProgress }: DownloadOptions,
): Promise<DownloadedModel> {
  const { repository, revision } = client.name;
  const { commit, files } = await readRepository(client);
  const folder = cache.snapshot(commit);
  const listed = new Map<string, HubFile>();
  const bring = async (paths: readonly string[]): Promise<void> => {
    const missing: HubFile[] = [];
    for (const path of paths) {
      const file = listed.get(path);
      if (file !== undefined && !(await holds(join(folder, path), file))) missing.push(file);
    }
    const total = missing.reduce((sum, { size }) => sum + size, 0);
    let before = 0;
    for (const file of missing) {
      await cache.prepare(commit, file.path);
      const onBytes = (bytes: number): void => onProgress?.(before + bytes, total, file.path);
      await fetchMissing(client, cache, { commit, file, later: total - before - file.size, onBytes });
      before += file.size;
    }
  };
  const choice = await chooseFiles({
    name: `hf:${repository}`,
    names: async (below) => {
      const found = await files(below);
      for (const file of found) listed.set(file.path, file);
      return new Set(found.map(({ path }) => path));
    },
    local: async (path) => {
      await bring([path]);
      return join(folder, path);
    },
  });
  if (choice === undefined) throw noWeights(client, [...listed.keys()]);
  await bring(choice.files);
  // It only serves later work without a network: a cache that others own and share may forbid it.
  await cache.record(revision, commit).catch(() => undefined);
  return { folder, onnx: choice.onnx, notes: [] };
}

async function fetchMissing(client: HubClient, cache: HubCache, wanted: WantedFile): Promise<void> {
  const { commit, file } = wanted;
  const blob = cache.blob(file.hash);
  const sound = await holds(blob, file);
  if (sound === false) await rm(blob, { force: true });
  if (sound !== true) await fetchBlob(client, blob, wanted);
  await cache.place(commit, file);
}

function noWeights({ name, settings }: HubClient, paths: readonly string[]): VitreousError {
  const shown = paths.slice(0, 12).join(", ");
  const more = paths.length > 12 ? `, … (${paths.length} files)` : "";
  const held = paths.length === 0 ? "no files" : `${shown}${more}`;
  return new VitreousError(
    `hf:${name.repository}: revision "${name.revision}" holds no model.safetensors, pytorch_model.bin or model.onnx, but ${held}; see ${settings.endpoint}/${name.repository}/tree/${name.revision}`,
  );
}

/** Undefined where the cache lacks the revision, or its configuration or weights. */
async function fromCache(
  { repository, revision }: HubName,
  cache: HubCache,
  why: string,
): Promise<DownloadedModel | undefined> {
  const commit = await cache.commitOf(revision);
  if (commit === undefined) return undefined;
  const folder = cache.snapshot(commit);
  const choice = await chooseFiles({
    name: `hf:${repository}`,
    names: (below) => snapshotNames(folder, below),
    local: async (path) => join(folder, path),
  });
  if (choice === undefined) return undefined;
  for (const path of choice.files) {
    if (await cache.sound(commit, path)) continue;
    throw new VitreousError(
      `hf:${repository}: ${why}, and ${join(folder, path)} in the cache is damaged: run again with a network, and it is fetched anew`,
    );
  }
  const which = isCommit(revision) ? "" : `, which was "${revision}" when it was last looked up`;
  const note = `hf:${repository}: ${why}; the cached commit ${commit.slice(0, 12)} is used${which}`;
  return { folder, onnx: choice.onnx, notes: [note] };
}

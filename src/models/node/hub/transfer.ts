/**
 * @file One file of a repository into the cache: resumed, tried again, checked, and put in its place whole. Written by
 * hand because @huggingface/hub's downloadFileToCacheDir begins anew each time, checks neither length nor hash, lets
 * two processes write one file, and talks on standard output.
 */
import { open, rename, rm, stat, statfs, truncate } from "node:fs/promises";
import { writeFailure } from "../../../imaging/node/atomic.js";
import { errorCode } from "../../../imaging/node/file-error.js";
import { VitreousError } from "../../../onnx/errors.js";
import { holds } from "./check.js";
import { type HubClient, Unreachable, waitBeforeTry } from "./client.js";
import { claimPart, releasePart } from "./part.js";
import type { HubFile } from "./repository.js";
import { inBytes } from "./size.js";

/** So many times in a row may a connection bring nothing new. */
const TRIES = 4;

export interface WantedFile {
  readonly commit: string;
  readonly file: HubFile;
  /** Bytes that are to be fetched after it. */
  readonly later: number;
  /** Told how many bytes of the file are there. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Makes `blob` hold the file.
 *
 * @throws VitreousError: cut for good (what came is kept), wrong twice, refused, no room, not writable
 */
export async function fetchBlob(client: HubClient, blob: string, wanted: WantedFile): Promise<void> {
  try {
    await fetchChecked(client, blob, wanted);
  } catch (error) {
    throw errorCode(error) === undefined ? error : writeFailure(blob, error);
  }
}

async function fetchChecked(client: HubClient, blob: string, wanted: WantedFile): Promise<void> {
  const { settings, name, signal } = client;
  const { file } = wanted;
  for (const fresh of [false, true]) {
    const part = await claimPart(blob, fresh, signal);
    if (part === undefined) {
      if (await holds(blob, file)) return;
      await rm(blob, { force: true });
      continue;
    }
    try {
      await checkRoom(client, part, wanted);
      await fill(client, part, wanted);
    } catch (error) {
      await giveUp(part, blob, error);
      throw error;
    }
    if (await holds(part, file)) return rename(part, blob);
    await rm(part, { force: true });
  }
  throw new VitreousError(
    `hf:${name.repository}: ${file.path} was fetched twice and is not what the repository says it is (its hash differs): something between here and ${settings.endpoint} changes it; nothing was kept`,
  );
}

/** Before anything is fetched for nothing. */
async function checkRoom(client: HubClient, part: string, { file, later }: WantedFile): Promise<void> {
  const needed = file.size - (await stat(part)).size + later;
  const disk = await statfs(part).catch(() => undefined);
  const free = disk === undefined ? Number.POSITIVE_INFINITY : disk.bavail * disk.bsize;
  if (free >= needed) return;
  throw new VitreousError(
    `hf:${client.name.repository}: ${inBytes(needed)} are to be fetched, and the disk of ${client.settings.cache} has ${inBytes(free)} free: make room, or set HF_HOME to a folder on another disk`,
  );
}

const NO_ROOM = ["ENOSPC", "EDQUOT", "EFBIG"];

/** A part that came whole so far is kept for the next run; one that filled the disk makes room again. */
async function giveUp(part: string, blob: string, error: unknown): Promise<void> {
  const kept = NO_ROOM.includes(errorCode(error) ?? "") ? rm(part, { force: true }) : releasePart(part, blob);
  await kept.catch(() => undefined);
}

/** Appends to the part until it has the file's length, going on from where the connection broke. */
async function fill(client: HubClient, part: string, wanted: WantedFile): Promise<void> {
  const { commit, onBytes } = wanted;
  const { path, size } = wanted.file;
  const steps = path.split("/").map(encodeURIComponent).join("/");
  const url = `${client.settings.endpoint}/${client.name.repository}/resolve/${commit}/${steps}`;
  let have = (await stat(part)).size;
  let best = have;
  let tries = 0;
  while (have < size) {
    const output = await open(part, "a");
    try {
      const answer = await client.open(url, have > 0 ? { range: `bytes=${have}-` } : {});
      if (answer.status !== 206 || firstByte(answer.headers) !== have) {
        // The server knows no ranges, or does not have this one: from the start.
        have = 0;
        await output.truncate(0);
        if (answer.status !== 200) {
          await answer.discard();
          throw new Unreachable("the server answered with another range", { passing: true });
        }
      }
      onBytes(have);
      for await (const chunk of answer.chunks) {
        await output.appendFile(chunk);
        have += chunk.length;
        onBytes(have);
        if (have > size) break;
      }
      if (have < size) throw new Unreachable("the connection ended early", { passing: true });
      await output.sync();
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      tries = have > best ? 1 : tries + 1;
      best = Math.max(best, have);
      if (tries >= TRIES) throw cut(client, path, have, size, error);
      await waitBeforeTry(tries, error.after, client.signal);
    } finally {
      await output.close();
    }
  }
  // A part of the right length and more is none of this file.
  if (have > size) await truncate(part, 0);
}

function firstByte(headers: Headers): number {
  return Number(/^bytes (\d+)-/.exec(headers.get("content-range") ?? "")?.[1] ?? Number.NaN);
}

function cut(client: HubClient, path: string, have: number, size: number, error: Unreachable): VitreousError {
  const kept = have === 0 ? "nothing came yet" : `${inBytes(have)} of ${inBytes(size)} are kept`;
  return new VitreousError(
    `hf:${client.name.repository}: ${path} could not be fetched whole: ${error.message}, ${TRIES} times in a row; ${kept}: run again to go on`,
    { cause: error },
  );
}

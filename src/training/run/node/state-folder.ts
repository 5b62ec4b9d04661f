/**
 * @file A run's state on disk, whole at every moment: arrays are written under new names, then state.json, which names
 * them, takes its place in one rename, and only then are the old ones removed. Whenever a run is killed, what
 * state.json says is there.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { makeFolder, writeFailure, writeFileAtomic } from "../../../imaging/node/atomic.js";
import { errorCode, readFailure } from "../../../imaging/node/file-error.js";
import { VitreousError } from "../../../onnx/errors.js";
import type { TrainerState } from "../../types.js";
import type { LoopState } from "../loop.js";
import type { Settings } from "../record.js";

export type Arrays = ReadonlyMap<string, Float32Array>;

/** Where a loop is: a record of each epoch that is done, and whatever else JSON gives back as it was. */
interface Position {
  readonly curve: readonly unknown[];
}

/** What the state of a run is, beside its arrays. */
export interface RunState<L extends Position = LoopState> {
  /** Every setting that the result depends on. */
  readonly settings: Settings;
  readonly loop: L;
  /** Whether all results are written. */
  readonly finished: boolean;
}

export interface SavedRun<L extends Position = LoopState> extends RunState<L> {
  readonly trainer: TrainerState;
  /** The arrays of the best epoch, as they were given. */
  readonly best: Arrays | undefined;
}

/** A file of arrays, one after the other, little-endian. */
interface ArraysFile {
  readonly file: string;
  readonly sha256: string;
  readonly arrays: readonly (readonly [name: string, length: number])[];
}

interface StateJson<L> {
  readonly version: 1;
  /** Of `settings`. */
  readonly settingsHash: string;
  readonly settings: Settings;
  readonly finished: boolean;
  readonly loop: L;
  readonly trainer?: Omit<TrainerState, "arrays"> & { readonly weights: ArraysFile };
  readonly best?: ArraysFile;
}

const STATE = "state.json";

export interface StateFolder<L extends Position = LoopState> {
  /** What was saved last; undefined in a new folder, "finished" where all was done. */
  read(settings: Settings): Promise<SavedRun<L> | "finished" | undefined>;
  /** Keeps arrays as the best: they are named by the next save. */
  keepBest(epoch: number, arrays: Arrays): Promise<void>;
  save(state: RunState<L>, trainer: TrainerState): Promise<void>;
  /** Marks the run as finished and removes the arrays. */
  finish(state: RunState<L>): Promise<void>;
}

/** @param folder is made */
export async function stateFolder<L extends Position = LoopState>(folder: string): Promise<StateFolder<L>> {
  await makeFolder(folder);
  let best: ArraysFile | undefined;
  const write = async (json: StateJson<L>): Promise<void> => {
    await writeFileAtomic(join(folder, STATE), `${JSON.stringify(json, undefined, 1)}\n`);
    const named = new Set([json.trainer?.weights.file, json.best?.file]);
    for (const name of await readdir(folder)) {
      if (name.endsWith(".bin") ? !named.has(name) : name.endsWith(".part"))
        await rm(join(folder, name), { force: true });
    }
  };
  return {
    async read(settings) {
      const json = await readState<L>(folder);
      if (json === undefined) return undefined;
      refuseOther(folder, json.settings, settings);
      if (json.finished) return "finished";
      if (json.trainer === undefined) throw damaged(folder, STATE);
      best = json.best;
      const { weights, ...trainer } = json.trainer;
      return {
        settings: json.settings,
        loop: json.loop,
        finished: false,
        trainer: { ...trainer, arrays: await readArrays(folder, weights) },
        best: best && (await readArrays(folder, best)),
      };
    },
    async keepBest(epoch, arrays) {
      best = await writeArrays(folder, `best-${epoch}.bin`, arrays);
    },
    async save({ settings, loop, finished }, { arrays, ...trainer }) {
      // Never over the file that the state on disk names: it must stay right until the new state is there.
      const weights = await writeArrays(folder, `weights-${trainer.step}-${loop.curve.length}.bin`, arrays);
      await write({
        version: 1,
        settingsHash: hashOf(settings),
        settings,
        finished,
        loop,
        trainer: { ...trainer, weights },
        ...(best && { best }),
      });
    },
    async finish({ settings, loop }) {
      await write({ version: 1, settingsHash: hashOf(settings), settings, finished: true, loop });
    },
  };
}

/** SHA-256 of settings, whatever the order of their names. */
export const hashOf = (settings: Settings): string =>
  createHash("sha256")
    .update(JSON.stringify(flat(settings)))
    .digest("hex");

/** The hash of its images that the run whose state a folder holds has among its settings, if there is one. */
export async function dataOfState(folder: string): Promise<string | undefined> {
  const data = (await readState(folder))?.settings.data;
  return typeof data === "object" && data !== null && "sha256" in data && typeof data.sha256 === "string"
    ? data.sha256
    : undefined;
}

/** The settings of the run whose state a folder holds, if any. */
async function readState<L>(folder: string): Promise<StateJson<L> | undefined> {
  const path = join(folder, STATE);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return undefined;
    throw errorCode(error) === "ENOTDIR" ? writeFailure(folder, error) : readFailure(path, error);
  });
  if (text === undefined) return undefined;
  try {
    const json = JSON.parse(text) as StateJson<L>;
    if (json.version === 1 && json.settingsHash === hashOf(json.settings)) return json;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  throw damaged(folder, STATE);
}

const damaged = (folder: string, file: string): VitreousError =>
  new VitreousError(
    `${join(folder, file)} is damaged or of another version of vitreous; remove ${folder} to start over`,
  );

/** Differences named in the message. */
const NAMED = 6;

function refuseOther(folder: string, before: Settings, now: Settings): void {
  const [old, own] = [new Map(flat(before)), new Map(flat(now))];
  const names = [...new Set([...old.keys(), ...own.keys()])].filter(
    (name) => old.get(name) !== own.get(name),
  );
  if (names.length === 0) return;
  const shown = names
    .slice(0, NAMED)
    .map((name) => `${name} was ${old.get(name) ?? "not set"} and is ${own.get(name) ?? "not set"} now`);
  const more = names.length > NAMED ? `, and ${names.length - NAMED} more` : "";
  throw new VitreousError(
    `${folder} holds a run with other settings: ${shown.join("; ")}${more}. Give the same to go on with it, or another --out.`,
  );
}

/** "optimiser.learningRate" → "0.0001", in the order of the names. */
function flat(value: unknown, path = ""): readonly (readonly [string, string])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return value === undefined ? [] : [[path, JSON.stringify(value)]];
  }
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, item]) => flat(item, path === "" ? name : `${path}.${name}`));
}

async function writeArrays(folder: string, file: string, arrays: Arrays): Promise<ArraysFile> {
  const pieces = [...arrays.values()].map((a) => new Uint8Array(a.buffer, a.byteOffset, a.byteLength));
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  await writeFileAtomic(join(folder, file), pieces);
  return { file, sha256: hash.digest("hex"), arrays: [...arrays].map(([name, a]) => [name, a.length]) };
}

async function readArrays(folder: string, { file, sha256, arrays }: ArraysFile): Promise<Arrays> {
  // Its own file and no other, whatever state.json says.
  const bytes = await readFile(join(folder, basename(file))).catch(() => undefined);
  if (bytes === undefined || createHash("sha256").update(bytes).digest("hex") !== sha256)
    throw damaged(folder, file);
  let at = 0;
  return new Map(
    arrays.map(([name, length]) => {
      const array = new Float32Array(length);
      new Uint8Array(array.buffer).set(bytes.subarray(at, at + 4 * length));
      at += 4 * length;
      return [name, array] as const;
    }),
  );
}

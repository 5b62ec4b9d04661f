/**
 * @file Reads the files of `torch.save`: a zip archive with a pickle that describes tensors and an entry for each
 * storage. Of the storages nothing is read before a tensor is wanted.
 */
import { VitreousError } from "../../onnx/errors.js";
import { type ByteSource, quoted, readPart } from "../byte-source.js";
import type { StoredTensor, StoredTensors } from "../stored-tensor.js";
import { findGlobal } from "./globals.js";
import { findStateDict } from "./state-dict.js";
import { checkTotal, storedAt } from "./stored.js";
import { readStorage } from "./tensor-record.js";
import { unpickle } from "./unpickle.js";
import { ofKind, type Storage } from "./values.js";
import { openZip, type Zip, type ZipEntry } from "./zip.js";

/** Descriptions of tensors without their content; a training checkpoint's are about a megabyte. */
const MAX_PICKLE_BYTES = 64 * 2 ** 20;

const PICKLE = "data.pkl";

export interface PytorchFile {
  readonly tensors: StoredTensors;
  /** What was chosen among several models in the file; a sentence each. */
  readonly notes: readonly string[];
}

/** The folder in the archive that holds everything: it has the name that the file had when it was saved. */
function findRoot({ entries }: Zip, source: ByteSource): string {
  const names = [...entries.keys()];
  const roots = names
    .filter((name) => /^[^/]+\/data\.pkl$/.test(name))
    .map((name) => name.slice(0, -PICKLE.length));
  const [root] = roots;
  if (root === undefined || roots.length > 1) {
    throw new VitreousError(
      `${source.name} is a zip archive, but not one of torch.save: ${otherArchive(names)}.`,
    );
  }
  if (names.some((name) => name.startsWith(`${root}code/`)) || entries.has(`${root}constants.pkl`)) {
    throw new VitreousError(
      `${source.name} is a TorchScript program (torch.jit.save), not a checkpoint. In Python: torch.save(torch.jit.load("file").state_dict(), "weights.pth"), or export it to ONNX.`,
    );
  }
  return root;
}

function otherArchive(names: readonly string[]): string {
  if (names.includes("metadata.json") && names.includes("config.json")) return "it is a model of Keras";
  if (names.some((name) => name.endsWith(".npy"))) return "it is an archive of NumPy arrays (.npz)";
  if (names.some((name) => name.endsWith(".safetensors") || name.endsWith("/pytorch_model.bin"))) {
    return "it is a folder that was zipped; unpack it first";
  }
  if (names.some((name) => name.includes("data/weights/") || name.endsWith("archive_format"))) {
    return `it is a program of torch.export; save its tensors with torch.save(program.state_dict, "weights.pth")`;
  }
  return `it has no ${PICKLE}, but ${names.slice(0, 4).map(quoted).join(", ") || "nothing"}`;
}

async function content(source: ByteSource, zip: Zip, entry: ZipEntry): Promise<Uint8Array> {
  return readPart(source, await zip.locate(entry), entry.size);
}

async function checkByteOrder(source: ByteSource, zip: Zip, root: string): Promise<void> {
  const entry = zip.entries.get(`${root}byteorder`);
  // Files before PyTorch 2.1 do not say; they are little-endian but for very few machines.
  if (!entry) return;
  const order = entry.size > 16 ? "" : new TextDecoder().decode(await content(source, zip, entry));
  if (order !== "little") {
    throw new VitreousError(
      `${source.name} has its numbers in the byte order ${quoted(order)}; only "little" can be read. Load and save it again on another machine.`,
    );
  }
}

/** Reads the pickle; what is wrong in it is told with the file's name. */
async function readPickle(
  source: ByteSource,
  zip: Zip,
  root: string,
): Promise<ReturnType<typeof findStateDict>> {
  const entry = zip.entries.get(root + PICKLE);
  if (!entry || entry.size > MAX_PICKLE_BYTES) {
    throw new VitreousError(
      `${source.name} describes its tensors in ${entry?.size} bytes; ${MAX_PICKLE_BYTES} are the most.`,
    );
  }
  const pickle = await content(source, zip, entry);
  try {
    return findStateDict(
      unpickle(pickle, {
        global: findGlobal,
        persistent: readStorage,
        // A state dict carries the versions of its modules.
        mayHaveAttributes: (value) => ofKind(value, "dict") !== undefined,
      }),
    );
  } catch (error) {
    if (!(error instanceof VitreousError)) throw error;
    throw new VitreousError(`${source.name} cannot be read: ${error.message.replace(/\.?$/, ".")}`, {
      cause: error,
    });
  }
}

/**
 * The tensors of a model in a file of `torch.save` (PyTorch 1.6 and later).
 *
 * @param source starts with "PK"
 * @throws VitreousError for an archive that is damaged or not PyTorch's, for a name in it that is neither a tensor nor
 *   a plain container (nothing is ever executed), and for tensors beyond their storages
 */
export async function openPytorch(source: ByteSource): Promise<PytorchFile> {
  const zip = await openZip(source);
  const root = findRoot(zip, source);
  await checkByteOrder(source, zip, root);
  const { tensors: records, notes } = await readPickle(source, zip, root);
  const places = new Map<string, number>();
  async function placeOf({ key, length, element }: Storage): Promise<number> {
    const entry = zip.entries.get(`${root}data/${key}`);
    if (!entry) throw new VitreousError(`${source.name} is damaged: its storage ${quoted(key)} is missing.`);
    if (length * element.size > entry.size) {
      throw new VitreousError(
        `${source.name} is damaged: its storage ${quoted(key)} has ${entry.size} bytes, not ${length * element.size}.`,
      );
    }
    const place = places.get(key) ?? (await zip.locate(entry));
    places.set(key, place);
    return place;
  }
  const tensors = new Map<string, StoredTensor>();
  for (const [name, record] of records) {
    tensors.set(name, storedAt(source, await placeOf(record.storage), record, name));
  }
  checkTotal(records.values(), source);
  return { tensors, notes };
}

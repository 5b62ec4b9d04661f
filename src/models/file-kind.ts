/**
 * @file Tells by its content what a file is. Names lie: a ".pth" may be a web page that a download left there, and
 * the pointer that git-lfs keeps in a file's place looks like the file until it is read.
 */
import { VitreousError } from "../onnx/errors.js";
import { type ByteSource, readPart } from "./byte-source.js";

export type FileKind = "safetensors" | "zip";

/** Enough to see a tar archive's mark at byte 257. */
const START_BYTES = 512;

/** Loading runs what the file says, which is for its owner to decide. */
const SAVE_AGAIN = `If you trust where it comes from, in Python: torch.save(torch.load(path, map_location="cpu"), "weights.pth")`;

function startsWith(bytes: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, i) => bytes[i] === byte);
}

const ascii = (text: string): readonly number[] => Array.from(text, (c) => c.charCodeAt(0));

/** The number 0x1950a86a20f9469cfc6c as a pickle has it, behind the pickle's protocol. */
const LEGACY_MAGIC = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/** Files that are taken for checkpoints, and what to do about each. */
const OTHERS: readonly {
  readonly is: (start: Uint8Array, text: string) => boolean;
  readonly what: string;
}[] = [
  {
    is: (_, text) => text.startsWith("version https://git-lfs"),
    what: "is a git-lfs pointer: the file itself was not downloaded. Run `git lfs pull` where it was cloned, or download it from its page",
  },
  {
    is: (_, text) => /^\s*<(!doctype|html|head|body|\?xml)/i.test(text),
    what: "is a web page, not a checkpoint: the download went to a page about the file (or to a login). Download it again from its direct link",
  },
  {
    is: (start) => startsWith(start.subarray(2), LEGACY_MAGIC),
    what: `is in the format that PyTorch wrote before version 1.6 (or with _use_new_zipfile_serialization=False), which is not read. ${SAVE_AGAIN}`,
  },
  {
    is: (start) => startsWith(start, ascii("\x89HDF\r\n")),
    what: "is an HDF5 file, of Keras or TensorFlow. Only safetensors and PyTorch's files are read: convert it with the library it comes from",
  },
  {
    is: (start) => startsWith(start, ascii("GGUF")),
    what: "is a GGUF file, of llama.cpp. Only safetensors and PyTorch's files are read",
  },
  {
    is: (start) => startsWith(start.subarray(257), ascii("ustar")) || startsWith(start, ascii("sys_info")),
    what: `is a tar archive: unpack it first, or, if PyTorch 0.1 wrote it, load and save it again. ${SAVE_AGAIN}`,
  },
  {
    is: (start) => startsWith(start, [0x1f, 0x8b]),
    what: "is compressed with gzip: unpack it first",
  },
  {
    is: (start) => startsWith(start, ascii("\x93NUMPY")),
    what: "is a NumPy array, not a checkpoint",
  },
  {
    is: (start) => start[0] === 0x80 && (start[1] ?? 9) <= 5,
    what: "is a Python pickle that torch.save did not write, and may run anything when Python loads it. Save the weights alone where they were made: torch.save(model.state_dict(), 'weights.pth')",
  },
];

/** By the ending of the name, where the content has no mark of its own. */
const ENDINGS: readonly { readonly ending: string; readonly what: string }[] = [
  { ending: ".msgpack", what: "is a checkpoint of Flax" },
  { ending: ".h5", what: "is named as one of Keras or TensorFlow" },
  { ending: ".onnx", what: "is named as an ONNX model" },
];

/**
 * @throws VitreousError for anything that is neither safetensors nor a zip archive, saying what it is
 */
export async function kindOf(source: ByteSource): Promise<FileKind> {
  const { name, size } = source;
  if (size === 0) throw new VitreousError(`${name} is empty: its download or copy was cut off.`);
  const start = await readPart(source, 0, Math.min(size, START_BYTES));
  if (startsWith(start, ascii("PK"))) return "zip";
  const text = new TextDecoder("latin1").decode(start);
  const other =
    OTHERS.find(({ is }) => is(start, text)) ?? ENDINGS.find(({ ending }) => name.endsWith(ending));
  if (other) throw new VitreousError(`${name} ${other.what}.`);
  // The length of the header, then the header: a JSON object.
  if (name.endsWith(".safetensors") || text[8] === "{") return "safetensors";
  throw new VitreousError(
    `${name} is no checkpoint that is known: safetensors and the files of torch.save (.pth, .pt, .bin) are read.`,
  );
}

import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { corpus } from "../../../test/corpus.js";
import { VitreousError } from "../../onnx/errors.js";
import { byteLength } from "../stored-tensor.js";
import { openTensors } from "./tensors.js";

const FIXTURES = "test/fixtures/weights";

const scratch = mkdtempSync(join(tmpdir(), "vitreous-tensors-"));
afterAll(() => rmSync(scratch, { recursive: true }));

let folder = scratch;
beforeEach(() => {
  folder = mkdtempSync(join(scratch, "model-"));
});

function put(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function copy(from: string, name: string): string {
  const path = join(folder, name);
  copyFileSync(join(FIXTURES, from), path);
  return path;
}

/** Name → type, shape and bytes in base64, by name. */
async function contents(path: string): Promise<ReadonlyMap<string, string>> {
  const { tensors, close } = await openTensors(path);
  const read: [string, string][] = [];
  for (const [name, tensor] of tensors) {
    const bytes = new Uint8Array(byteLength(tensor));
    await tensor.readInto(bytes);
    read.push([name, `${tensor.dtype} [${tensor.dims}] ${Buffer.from(bytes).toString("base64")}`]);
  }
  await close();
  return new Map(read.sort());
}

async function refusal(path: string): Promise<string> {
  const error: unknown = await openTensors(path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VitreousError);
  return error instanceof Error ? error.message : "";
}

const notesOf = async (name: string): Promise<readonly string[]> => {
  const { notes, close } = await openTensors(join(FIXTURES, name));
  await close();
  return notes;
};

describe("openTensors", () => {
  const ways = readdirSync(FIXTURES).filter(
    (name) => !name.endsWith(".safetensors") && name !== "refused" && name !== "float8.pth",
  );
  it.each(ways)("gives the tensors that PyTorch saved: %s", async (name) => {
    const twin = join(FIXTURES, name.replace(/\.pth$/, ".safetensors"));
    const expected = name.endsWith(".pth") && existsSync(twin) ? twin : join(FIXTURES, "weights.safetensors");
    expect(await contents(join(FIXTURES, name))).toEqual(await contents(expected));
  });

  it("says which of several models in a file it took, and what it left out", async () => {
    expect(await notesOf("plain.pth")).toEqual([]);
    expect(await notesOf("training.pt")).toEqual([]);
    expect(await notesOf("imagenet.pth.tar")).toEqual([]);
    expect(await notesOf("compiled.pt")).toEqual([]);
    expect(await notesOf("ema.pth")).toEqual([
      'The tensors under "state_dict_ema" are used, not those under "state_dict".',
    ]);
    expect(await notesOf("dino.pth")).toEqual([
      'The tensors under "teacher" are used, not those under "student".',
      'The 8 tensors under "backbone." are used; left out: "head.*" (2).',
    ]);
    expect(await notesOf("dinov2.pth")).toEqual([
      'The 9 tensors under "teacher." are used; left out: "student.*" (8), "dino_loss.*" (1).',
      'The 8 tensors under "backbone." are used; left out: "dino_head.*" (1).',
    ]);
    expect(await notesOf("lightning.ckpt")).toEqual([
      'The 8 tensors under "model." are used; left out: "criterion.*" (1).',
    ]);
    expect(await notesOf("averaged.pth")).toEqual([
      'The 8 tensors under "module." are used; left out: "n_averaged" (1).',
    ]);
    expect(await notesOf("unusual.pth")).toEqual(['The tensors under "net" are used.']);
  });

  it.each(["float8.pth", "float8.safetensors"])("refuses float8 only when it is wanted: %s", async (name) => {
    const { tensors, close } = await openTensors(join(FIXTURES, name));
    expect(tensors.size).toBe(9);
    await expect(tensors.get("scale")?.readInto(new Uint8Array(0))).rejects.toThrow(
      /tensor "scale" has elements of type (F8_E4M3|float8_e4m3fn)/,
    );
    await close();
  });

  const both = corpus().flatMap(({ checkpoint }) =>
    checkpoint !== undefined && existsSync(join(checkpoint, "state_dict.pth")) ? [checkpoint] : [],
  );
  it.runIf(both.length > 0)(
    "gives the same from a state_dict.pth as from the safetensors beside it",
    async () => {
      for (const checkpoint of both) {
        expect(await contents(join(checkpoint, "state_dict.pth"))).toEqual(await contents(checkpoint));
      }
    },
  );

  it("reads by content, whatever a file is called", async () => {
    const expected = await contents(join(FIXTURES, "weights.safetensors"));
    expect(await contents(copy("weights.safetensors", "weights.pth"))).toEqual(expected);
    expect(await contents(copy("plain.pth", "weights.safetensors"))).toEqual(expected);
    expect(await contents(copy("plain.pth", "checkpoint"))).toEqual(expected);
  });

  it("finds the weights of a folder by their usual names, or the only ones there", async () => {
    const chosen = async (): Promise<string | undefined> => {
      const { files, close } = await openTensors(folder);
      await close();
      return files[0]?.slice(folder.length + 1);
    };
    put("config.json", "{}");
    copy("plain.pth", "best.pth.tar");
    expect(await chosen()).toBe("best.pth.tar");
    copy("plain.pth", "pytorch_model.bin");
    expect(await chosen()).toBe("pytorch_model.bin");
    copy("weights.safetensors", "model.safetensors");
    expect(await chosen()).toBe("model.safetensors");
  });

  it("lists what a folder has where it has no weights, or several", async () => {
    expect(await refusal(folder)).toMatch(/has no weights: .* and it has nothing/);
    put("config.json", "{}");
    put("tf_model.h5", "");
    expect(await refusal(folder)).toMatch(
      /\(tf_model\.h5 is of a library .* it has config\.json, tf_model\.h5/,
    );
    copy("plain.pth", "last.pth");
    copy("plain.pth", "best.pth");
    expect(await refusal(folder)).toMatch(/several files of weights .*: best\.pth, last\.pth\. Name the one/);
    expect(await refusal(join(folder, "nowhere"))).toMatch(/does not exist/);
  });

  const others: readonly [string, string | Uint8Array, RegExp][] = [
    ["a.pth", "", /is empty/],
    ["a.safetensors", "", /is empty/],
    [
      "a.pth",
      "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
      /git-lfs pointer.*git lfs pull/,
    ],
    ["model.safetensors", "version https://git-lfs.github.com/spec/v1\n", /git-lfs pointer/],
    ["a.pth", "\n<!DOCTYPE html><html>", /web page/],
    ["a.bin", Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a), /HDF5/],
    ["a.gguf", "GGUF\x03", /GGUF/],
    ["a.msgpack", "\x81", /Flax/],
    ["a.tar", `${"\0".repeat(257)}ustar`, /tar archive/],
    ["a.pth.tar", Uint8Array.of(0x1f, 0x8b), /gzip/],
    ["a.pkl", Uint8Array.of(0x80, 4, 0x4e, 0x2e), /pickle that torch\.save did not write/],
    ["a.pth", "hello", /no checkpoint that is known/],
    ["a.safetensors", "hello", /not a safetensors file: it has 5 bytes/],
    ["a.index.json", "{", /no JSON/],
    ["a.index.json", "{}", /no weight_map/],
    ["a.index.json", `{"weight_map": {}}`, /names no tensors/],
    [
      "a.index.json",
      `{"weight_map": {"w": "gone.safetensors"}}`,
      /gone\.safetensors cannot be opened: ENOENT/,
    ],
    [
      "a.index.json",
      `{"weight_map": {"w": "../a.safetensors"}}`,
      /"w" is in "\.\.\/a\.safetensors", which is no plain/,
    ],
    ["a.index.json", `{"weight_map": {"w": "/etc/passwd"}}`, /no plain name/],
    ["a.index.json", `{"weight_map": {"w": "C:\\\\a.bin"}}`, /no plain name/],
    ["a.index.json", `{"weight_map": {"w": ".."}}`, /no plain name/],
    ["a.index.json", `{"weight_map": {"w": 3}}`, /no weight_map/],
  ];
  it.each(others)("refuses %s that has %j", async (name, content, message) => {
    expect(await refusal(put(name, content))).toMatch(message);
  });

  it("refuses shards that do not have what their index says, or have it twice", async () => {
    for (const name of readdirSync(join(FIXTURES, "sharded"))) copy(`sharded/${name}`, name);
    expect((await contents(folder)).size).toBe(8);
    copy("sharded/model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors");
    expect(await refusal(folder)).toMatch(
      /says that model-00002-of-00003\.safetensors has "blocks\.0\.qkv\.weight", .*which it has not/,
    );
    const index = (second: string): string =>
      JSON.stringify({
        weight_map: { "head.bias": "model-00003-of-00003.safetensors", [second]: "more.safetensors" },
      });
    put("model.safetensors.index.json", index("head.weight"));
    copy("sharded/model-00003-of-00003.safetensors", "more.safetensors");
    expect(await refusal(folder)).toMatch(/"head\.(bias|weight)" is both in model-00003.* and in more/);
  });

  it("notices that a file is cut while it is read", async () => {
    for (const name of ["weights.safetensors", "plain.pth"]) {
      const path = copy(name, name);
      const { tensors, close } = await openTensors(path);
      truncateSync(path, 100);
      const read = Promise.all(
        [...tensors.values()].map((tensor) => tensor.readInto(new Uint8Array(byteLength(tensor)))),
      );
      await expect(read).rejects.toThrow(/ended at byte .* changed or cut off while it was read/);
      await close();
    }
  });

  const DESCRIPTORS = "/proc/self/fd";
  it.runIf(existsSync(DESCRIPTORS))(
    "leaves no file open, neither closed nor refused, whole or in many shards",
    async () => {
      const weights = readFileSync(join(FIXTURES, "weights.safetensors"));
      const map: Record<string, string> = {};
      for (let i = 0; i < 300; i++) {
        const header = `{"t${i}":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`.padEnd(64);
        put(`${i}.safetensors`, `\x40\0\0\0\0\0\0\0${header}x`);
        map[`t${i}`] = `${i}.safetensors`;
      }
      const index = put("many.index.json", JSON.stringify({ weight_map: map }));
      const before = (await readdir(DESCRIPTORS)).length;
      expect((await contents(index)).size).toBe(300);
      await refusal(put("cut.safetensors", weights.subarray(0, 50)));
      await refusal(join(FIXTURES, "refused", "evil.pth"));
      expect((await readdir(DESCRIPTORS)).length).toBe(before);
    },
  );
});

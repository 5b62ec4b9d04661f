import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { VitreousError } from "../../onnx/errors.js";
import { tensorToNumbers } from "../../onnx/tensor.js";
import { bytesInMemory } from "../byte-source.js";
import { readTensors } from "../read-tensors.js";
import { byteLength, type StoredTensor } from "../stored-tensor.js";
import {
  checkpoint,
  dictOf,
  int,
  ints,
  pickle,
  type TensorOptions,
  tensor,
  text,
  zip,
} from "./testing/archive.js";
import { unpickle } from "./unpickle.js";

const open = (bytes: Uint8Array) => readTensors(bytesInMemory(bytes, "weights.pth"));

async function values(stored: StoredTensor | undefined): Promise<number[]> {
  if (!stored) throw new Error("no such tensor");
  const bytes = new Uint8Array(byteLength(stored));
  await stored.readInto(bytes);
  return tensorToNumbers({ ...stored, bytes });
}

async function refusal(bytes: Uint8Array): Promise<string> {
  const error: unknown = await open(bytes).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VitreousError);
  return error instanceof Error ? error.message : "";
}

describe("openPytorch", () => {
  it("reads tensors as views where the file is in memory", async () => {
    const bytes = checkpoint(dictOf("w", tensor()));
    const { tensors, notes } = await open(bytes);
    expect(notes).toEqual([]);
    expect(tensors.get("w")?.bytes?.buffer).toBe(bytes.buffer);
    expect(await values(tensors.get("w"))).toEqual([1, 2]);
  });

  it("reads archives with 64-bit sizes, and with a comment at their end", async () => {
    for (const options of [{ zip64: true }, { comment: "PK\x05\x06 is what an end begins with" }]) {
      const { tensors } = await open(checkpoint(dictOf("w", tensor()), {}, options));
      expect(await values(tensors.get("w"))).toEqual([1, 2]);
    }
  });

  it("gathers the elements of a view by its strides", async () => {
    const read = async (options: TensorOptions) =>
      values((await open(checkpoint(dictOf("w", tensor(options))))).tensors.get("w"));
    expect(await read({ size: [2, 2], stride: [0, 1] })).toEqual([1, 2, 1, 2]);
    expect(await read({ size: [2, 1], stride: [1, 9] })).toEqual([1, 2]);
    expect(await read({ offset: 1, size: [], stride: [] })).toEqual([2]);
    expect(await read({ size: [3, 0], stride: [1, 1] })).toEqual([]);
  });

  const tensors: readonly [string, TensorOptions, RegExp][] = [
    ["reaches beyond its storage", { size: [3] }, /\[3\] that reaches beyond its storage "0" of 2/],
    ["begins beyond its storage", { offset: 1 }, /beyond its storage/],
    ["leaps beyond its storage", { stride: [2] }, /beyond its storage/],
    ["has a negative offset", { offset: -1 }, /without a valid offset/],
    ["has a negative stride", { stride: [-1] }, /without a valid stride/],
    ["has a negative size", { size: [-2] }, /without a valid size/],
    ["has more strides than dimensions", { stride: [2, 1] }, /with 2 strides/],
    ["has too many dimensions", { size: new Array<number>(65).fill(1) }, /65 dimensions/],
    [
      "has more elements than can be counted",
      { size: [2 ** 40, 2 ** 40], stride: [0, 0] },
      /too many elements/,
    ],
    ["claims terabytes", { length: 2 ** 40, size: [2 ** 40] }, /storage "0" has 8 bytes, not 4398046511104/],
    ["claims terabytes of one number", { size: [2 ** 40], stride: [0] }, /views of a few numbers/],
    ["has no storage in the file", { key: "7" }, /storage "7" is missing/],
    ["lies elsewhere", { key: "../../secret" }, /storage "..\/..\/secret" is missing/],
  ];
  it.each(tensors)("refuses a tensor that %s", async (_what, options, message) => {
    expect(await refusal(checkpoint(dictOf("w", tensor(options))))).toMatch(message);
  });

  it("opens a file whose complex tensors nobody wants, and refuses to read them", async () => {
    const file = checkpoint(dictOf("w", tensor({ storage: "ComplexFloatStorage", length: 1, size: [1] })));
    const stored = (await open(file)).tensors.get("w");
    await expect(stored?.readInto(new Uint8Array(0))).rejects.toThrow(/"w" has elements of type complex64/);
  });

  const names = [
    ["os", "system"],
    ["posix", "system"],
    ["nt", "system"],
    ["builtins", "eval"],
    ["__builtin__", "eval"],
    ["builtins", "getattr"],
    ["torch.storage", "_load_from_bytes"],
    ["torch", "load"],
    ["torch._utils", "__builtins__.eval"],
    ["collections", "OrderedDict.__init__"],
    ["numpy._core.multiarray", "scalar"],
    ["argparse", "Namespace"],
    ["timm.models.vision_transformer", "VisionTransformer"],
    ["__proto__", "constructor"],
  ];
  it.each(names)("refuses %s.%s by name, however it is asked for", async (module = "", name = "") => {
    const call = ["(", text("echo executed"), "tR"];
    const shown = `${module === "__builtin__" ? "builtins" : module}.${name}`;
    for (const asked of [[`c${module}\n${name}\n`], [text(module), text(name), "\x93"]]) {
      const message = await refusal(checkpoint(pickle("}", text("w"), ...asked, ...call, "s")));
      expect(message).toContain(`asks for ${shown}, which is neither a tensor nor a plain container`);
      expect(message).toContain("torch.save(model.state_dict()");
    }
  });

  const pickles: readonly [string, Uint8Array, RegExp][] = [
    ["that is empty", new Uint8Array(0), /does not begin as one/],
    ["of protocol 0", new TextEncoder().encode("(dp0\n."), /does not begin as one/],
    ["of a protocol to come", Uint8Array.of(0x80, 9, 0x2e), /protocol 9; 2 to 5/],
    [
      "that ends early",
      pickle("}", text("w")).slice(0, -3),
      /ends in the middle|no dictionary|takes a value/,
    ],
    ["that ends in a name", Uint8Array.of(0x80, 2, 0x63, 0x6f, 0x73), /middle of a name/],
    ["without a value", pickle(), /takes a value where there is none/],
    ["that closes what it did not open", pickle("t"), /closes a list/],
    ["that takes what lies below a mark", pickle("N(0"), /takes a value/],
    ["that recalls what it did not keep", pickle("h\x07"), /recalls value 7/],
    ["that appends to text", pickle(text("a"), "Na"), /appends to a string/],
    ["that sets an item of a list", pickle("]NNs"), /sets an item of a list/],
    ["that sets a key without a value", pickle("}(Nu"), /a key without a value/],
    ["that calls text", pickle(text("eval"), ")R"), /calls a string/],
    ["that calls an element type", pickle("ctorch\nfloat32\n)R"), /calls a dtype/],
    ["that calls with a list", pickle("ccollections\nOrderedDict\n]R"), /OrderedDict with a list/],
    ["that calls what it may only name", pickle("cbuiltins\nlist\n)R"), /calls what it may only name/],
    ["that makes an instance", pickle("ccollections\nOrderedDict\n)\x81"), /instruction NEWOBJ,/],
    ["that makes an instance of old", pickle("(ios\nsystem\n"), /instruction INST,/],
    ["that uses the registry of extensions", pickle("\x82\x01"), /instruction EXT1,/],
    ["with an unknown instruction", pickle("\xff"), /instruction 0xff/],
    ["that gives a list attributes", pickle("]Nb"), /attributes to a list/],
    ["with an integer of gigabytes", pickle("\x8b\xff\xff\xff\xff"), /integer of 4294967295 bytes/],
    ["with a text of gigabytes", pickle("X\xff\xff\xff\xff"), /ends in the middle/],
    ["with a text of exabytes", pickle("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"), /ends in the middle/],
    ["with a frame of exabytes", pickle("\x95\xff\xff\xff\xff\xff\xff\xff\x7f"), /frame that is longer/],
    ["with a storage that is text", pickle(text("0"), "Q"), /refers to a storage by a string/],
    [
      "with a storage of no class",
      pickle("(", text("storage"), "N", text("0"), text("cpu"), int(1), "tQ"),
      /is no storage/,
    ],
    ["with a tensor of nothing", pickle("ctorch._utils\n_rebuild_tensor_v2\n)R"), /tensor of nothing/],
    ["with a parameter of nothing", pickle("ctorch._utils\n_rebuild_parameter\n)R"), /parameter of nothing/],
    ["that is a list", pickle("]"), /holds a list, not a dictionary/],
    ["that is a tensor", pickle(tensor()), /holds a tensor, not a dictionary/],
    ["without tensors", dictOf("epoch", int(3)), /no tensors by name; its keys are "epoch"/],
  ];
  it.each(pickles)("refuses a pickle %s", async (_what, data, message) => {
    expect(await refusal(checkpoint(data))).toMatch(message);
  });

  it("refuses a pickle that names the same dictionary for ever, in bounded time and memory", async () => {
    const before = process.memoryUsage().rss;
    const bombs = [
      // Lists of lists of lists, each twice in the next: 2^100000 values if one walked them.
      pickle("]q\0", "]h\0ah\0aq\0".repeat(100_000), "0}"),
      // A dictionary that holds itself.
      pickle("}q\0", text("model"), "h\0s"),
      // One deep stack, many values, many containers.
      pickle("(".repeat(1_000_000)),
      pickle("N".repeat(1_999_000), "}"),
      pickle("}".repeat(550_000)),
      pickle("C\0".repeat(550_000), "}"),
      // One long tuple for many calls.
      pickle(
        "(",
        "K\x01".repeat(500_000),
        "tq\0",
        "ctorch\nSize\nq\x01",
        "h\x01h\0\x85R0".repeat(200_000),
        "}",
      ),
    ];
    for (const bomb of bombs) {
      const start = performance.now();
      await refusal(checkpoint(bomb));
      expect(performance.now() - start).toBeLessThan(20_000);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 30);
  });

  const archives: readonly [string, Uint8Array, RegExp][] = [
    ["compressed entries", checkpoint(dictOf("w", tensor()), {}, { method: 8 }), /data.pkl" is compressed/],
    ["encrypted entries", checkpoint(dictOf("w", tensor()), {}, { flags: 1 }), /data.pkl" is encrypted/],
    [
      "sizes of gigabytes",
      checkpoint(dictOf("w", tensor()), {}, { claimed: 2 ** 31 }),
      /overlaps the next one/,
    ],
    [
      "sizes of petabytes",
      checkpoint(dictOf("w", tensor()), {}, { claimed: 2 ** 50, zip64: true }),
      /overlaps the next/,
    ],
    ["an end cut off", checkpoint(dictOf("w", tensor())).slice(0, -9), /end is missing, so it was cut off/],
    [
      "numbers in another order",
      checkpoint(dictOf("w", tensor()), { "archive/byteorder": "big" }),
      /byte order "big"/,
    ],
    ["a program", checkpoint(dictOf("w", tensor()), { "archive/code/a.py": "" }), /TorchScript program/],
    ["two pickles", checkpoint(dictOf("w", tensor()), { "other/data.pkl": "" }), /not one of torch.save/],
    ["nothing", zip({}), /has no data.pkl, but nothing/],
    ["a model of Keras", zip({ "config.json": "{}", "metadata.json": "{}" }), /a model of Keras/],
    ["arrays", zip({ "weight.npy": "" }), /archive of NumPy arrays/],
    ["a folder of a model", zip({ "vit/model.safetensors": "" }), /folder that was zipped/],
  ];
  it.each(archives)("refuses an archive with %s", async (_what, bytes, message) => {
    expect(await refusal(bytes)).toMatch(message);
  });

  it("refuses two entries in one place", async () => {
    const bytes = checkpoint(dictOf("w", tensor()));
    const view = new DataView(bytes.buffer);
    const directory = view.getUint32(bytes.length - 6, true);
    const second = directory + 46 + "archive/data.pkl".length;
    view.setUint32(second + 42, 0, true);
    expect(await refusal(bytes)).toMatch(/overlaps the next one/);
  });

  it("keeps control characters and endless names out of its messages", async () => {
    const message = await refusal(
      checkpoint(pickle("}", text("w"), `c${"\x1b[31m".repeat(1000)}\nx\n`, "s")),
    );
    expect(message.length).toBeLessThan(700);
    expect(message).not.toContain("\x1b");
  });

  it("reads integers of any width", () => {
    const names = { global: () => null, persistent: () => null, mayHaveAttributes: () => false };
    const read = (...bytes: number[]) =>
      unpickle(Uint8Array.of(0x80, 2, 0x8a, bytes.length, ...bytes, 0x2e), names);
    expect([read(), read(0xff), read(0, 1), read(0, 0, 0, 0x80)]).toEqual([0, -1, 256, -(2 ** 31)]);
    expect(read(0, 0, 0, 0, 0, 0, 0, 0, 1)).toBe(2n ** 64n);
    expect(read(...new Array<number>(16).fill(0), 0xff)).toBe(-(2n ** 128n));
    expect(read(1, 0, 0, 0, 0, 0, 0, 0, 0)).toBe(1);
  });

  it("drops attributes of a state dict, and sets and bytes of older protocols", async () => {
    const data = pickle(
      ...["ccollections\nOrderedDict\n)R", text("w"), tensor(), "s"],
      ...[text("set"), "c__builtin__\nset\n(]K\x01atR", "s"],
      ...[text("bytes"), "c_codecs\nencode\n(", text("\u00ff"), text("latin1"), "tR", "s"],
      ...[text("size"), "ctorch\nSize\n", ints(1, 2), "\x85R", "s"],
      ...["}", text("_metadata"), "}sb"],
    );
    expect([...(await open(checkpoint(data))).tensors.keys()]).toEqual(["w"]);
  });
});

const refused = "test/fixtures/weights/refused";
const files: readonly [string, RegExp][] = [
  ["legacy.pth", /before version 1\.6.*torch\.save\(torch\.load/],
  ["torchscript.pt", /TorchScript program/],
  ["whole_model.pth", /asks for torch\.nn\.modules\.linear\.Linear,.*torch\.save\(model\.state_dict\(\)/],
  ["numpy_scalar.pth", /asks for numpy\._core\.multiarray\.scalar/],
  ["namespace.pth", /asks for argparse\.Namespace/],
  ["evil.pth", /asks for posix\.system/],
  ["sparse.pth", /asks for torch\._utils\._rebuild_sparse_tensor/],
  ["conjugated.pth", /conjugated view/],
  ["a_tensor.pth", /holds a tensor/],
  ["no_tensors.pth", /no tensors by name; its keys are "epoch", "lr"/],
  ["ambiguous.pth", /several dictionaries of tensors.*"encoder" \(8\), "decoder" \(8\)/],
  ["archive.npz", /archive of NumPy arrays/],
];

describe("a file that PyTorch wrote", () => {
  it.each(files)("is refused: %s", async (name, message) => {
    expect(await refusal(readFileSync(`${refused}/${name}`))).toMatch(message);
    // What evil.pth would make.
    expect(existsSync("executed.txt")).toBe(false);
  });
});

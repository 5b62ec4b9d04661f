import { randomBytes } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { externalTensor, protoModel, tinyGraph } from "../../../test/proto-model.js";
import { VitreousError } from "../../onnx/errors.js";
import { type DownloadOptions, downloadModel } from "./hub.js";
import { blobName, type FakeHub, fakeHub, gitHash, REPOSITORY, sha256 } from "./testing/fake-hub.js";

const NAME = `hf:${REPOSITORY}`;
const weights = randomBytes(300_000);
const config = '{"model_type": "vit"}';
const MODEL = {
  "README.md": "# Tiny",
  "config.json": config,
  "preprocessor_config.json": "{}",
  "model.safetensors": weights,
};

let home = "";
let hub: FakeHub;

/** Starts a hub with these files; the environment points to it and to an empty home. */
async function serve(files: Readonly<Record<string, Uint8Array | string>> = MODEL): Promise<void> {
  hub = await fakeHub(files);
  vi.stubEnv("HF_ENDPOINT", hub.endpoint);
}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "vitreous-hub-"));
  for (const name of [
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HF_TOKEN_PATH",
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
  ]) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv("HF_HOME", home);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await hub?.close();
  rmSync(home, { recursive: true, force: true });
});

const cache = (...path: readonly string[]): string => join(home, "hub", "models--lab--tiny-vit", ...path);
const blobs = (): readonly string[] => readdirSync(cache("blobs")).sort();
const ranges = (): readonly (string | undefined)[] =>
  hub.requests.flatMap(({ server, range }) => (server === "cdn" ? [range] : []));

/** The message of the one error that a user gets. */
async function refusalOf(name = NAME, options?: DownloadOptions): Promise<string> {
  const error = await downloadModel(name, options).then(
    () => "no error",
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(VitreousError);
  return error instanceof Error ? error.message : String(error);
}

describe("a model of the hub", () => {
  it("comes as a snapshot in the layout of Python's cache, and nothing that is not needed", async () => {
    await serve({
      ...MODEL,
      "pytorch_model.bin": randomBytes(2000),
      "tf_model.h5": randomBytes(2000),
      "model.onnx": "no",
    });
    const { folder, onnx, notes } = await downloadModel(NAME);
    expect(folder).toBe(cache("snapshots", hub.commit));
    expect(readdirSync(folder).sort()).toEqual([
      "config.json",
      "model.safetensors",
      "preprocessor_config.json",
    ]);
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
    expect(readlinkSync(join(folder, "config.json"))).toBe(
      join("..", "..", "blobs", gitHash(Buffer.from(config))),
    );
    expect(blobs()).toContain(sha256(weights));
    expect(readFileSync(cache("refs", "main"), "utf8")).toBe(hub.commit);
    expect([onnx, notes]).toEqual([undefined, []]);
  });

  it("is fetched once", async () => {
    await serve();
    await downloadModel(NAME);
    const before = hub.fetched().length;
    await downloadModel(NAME);
    expect([before, hub.fetched().length]).toEqual([3, 3]);
  });

  it("takes a branch with a slash, a tag and a short or whole commit", async () => {
    await serve();
    for (const revision of ["v1", "refs/pr/3", hub.commit.slice(0, 7), hub.commit]) {
      expect((await downloadModel(`${NAME}@${revision}`)).folder).toBe(cache("snapshots", hub.commit));
    }
    expect(readFileSync(cache("refs", "refs", "pr", "3"), "utf8")).toBe(hub.commit);
    expect(existsSync(cache("refs", hub.commit))).toBe(false);
  });

  it("fetches only what a new commit changes", async () => {
    await serve();
    await downloadModel(NAME);
    hub.commit = "c".repeat(40);
    hub.requests.length = 0;
    const { folder } = await downloadModel(NAME);
    expect(folder).toBe(cache("snapshots", hub.commit));
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
    expect(hub.fetched()).toEqual([]);
  });

  it("has its progress told, of all that is missing", async () => {
    await serve();
    const told: [number, number, string][] = [];
    await downloadModel(NAME, { onProgress: (...args) => told.push(args) });
    const total = weights.length + config.length + 2;
    expect(told.every(([, of]) => of === total)).toBe(true);
    expect(told.at(-1)).toEqual([total, total, "model.safetensors"]);
  });
});

describe("the weights that are chosen", () => {
  it("are the shards that an index names", async () => {
    const index = JSON.stringify({
      weight_map: { a: "m-1.safetensors", b: "m-2.safetensors", c: "m-1.safetensors" },
    });
    await serve({
      "config.json": config,
      "model.safetensors.index.json": index,
      "m-1.safetensors": "1",
      "m-2.safetensors": "2",
      "m-3.safetensors": "3",
      "pytorch_model.bin": "p",
    });
    const { folder } = await downloadModel(NAME);
    expect(readdirSync(folder).sort()).toEqual([
      "config.json",
      "m-1.safetensors",
      "m-2.safetensors",
      "model.safetensors.index.json",
    ]);
  });

  it("are never files that an index names outside the repository", async () => {
    const index = JSON.stringify({ weight_map: { a: "../../../secret" } });
    await serve({ "model.safetensors.index.json": index, "m-1.safetensors": "1" });
    expect(await refusalOf()).toBe(
      `${NAME}: model.safetensors.index.json needs secret, which is not beside it`,
    );
  });

  it("are PyTorch's where there is nothing else", async () => {
    await serve({
      "config.json": config,
      "pytorch_model.bin": "p",
      "processor_config.json": "{}",
      "tf_model.h5": "t",
    });
    const { folder } = await downloadModel(NAME);
    expect(readdirSync(folder).sort()).toEqual(["config.json", "processor_config.json", "pytorch_model.bin"]);
  });

  it("are an .onnx file, in its folder, where there are no weights", async () => {
    const path = join(import.meta.dirname, "../../../test/fixtures/models/vit/legacy-17.onnx");
    await serve({
      "config.json": config,
      "onnx/model.onnx": readFileSync(path),
      "onnx/model_quantized.onnx": "q",
    });
    const { folder, onnx } = await downloadModel(NAME);
    expect(onnx).toBe("onnx/model.onnx");
    expect(readdirSync(join(folder, "onnx"))).toEqual(["model.onnx"]);
  });

  it("come with the data that an .onnx file keeps beside itself", async () => {
    const tensor = externalTensor("w", [4], { location: "ext.data", offset: "8", length: "16" });
    const model = protoModel(tinyGraph([tensor]));
    await serve({ "model.onnx": model, "ext.data": "data", "other.data": "no" });
    const { folder, onnx } = await downloadModel(NAME);
    expect([onnx, ...readdirSync(folder).sort()]).toEqual(["model.onnx", "ext.data", "model.onnx"]);
  });

  it("are missed with a list of what is there", async () => {
    await serve({ "README.md": "#", "tf_model.h5": "t" });
    expect(await refusalOf()).toBe(
      `${NAME}: revision "main" holds no model.safetensors, pytorch_model.bin or model.onnx, but README.md, tf_model.h5; see ${hub.endpoint}/${REPOSITORY}/tree/main`,
    );
  });
});

describe("a cache shared with Python", () => {
  it("is read: nothing that lies there is fetched", async () => {
    await serve();
    const snapshot = cache("snapshots", hub.commit);
    mkdirSync(snapshot, { recursive: true });
    mkdirSync(cache("blobs"), { recursive: true });
    for (const [path, content] of Object.entries(MODEL)) {
      const blob = blobName(Buffer.from(content));
      writeFileSync(cache("blobs", blob), content);
      symlinkSync(join("..", "..", "blobs", blob), join(snapshot, path));
    }
    await downloadModel(NAME);
    expect(hub.fetched()).toEqual([]);
  });

  it("is read where it has files in place of links, as on Windows", async () => {
    await serve();
    const snapshot = cache("snapshots", hub.commit);
    mkdirSync(snapshot, { recursive: true });
    for (const [path, content] of Object.entries(MODEL)) writeFileSync(join(snapshot, path), content);
    await downloadModel(NAME);
    expect(hub.fetched()).toEqual([]);
    expect(lstatSync(join(snapshot, "model.safetensors")).isSymbolicLink()).toBe(false);
  });

  it("is mended where a file has the right length and another content", async () => {
    await serve();
    const { folder } = await downloadModel(NAME);
    writeFileSync(cache("blobs", sha256(weights)), Buffer.alloc(weights.length));
    await downloadModel(NAME);
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
  });

  it("lies where the variables say", async () => {
    await serve();
    vi.stubEnv("HF_HUB_CACHE", "$HF_HOME/elsewhere");
    const { folder } = await downloadModel(NAME);
    expect(folder.startsWith(join(home, "elsewhere", "models--lab--tiny-vit"))).toBe(true);
  });
});

describe("a connection that breaks", () => {
  it("is taken up where it broke", async () => {
    await serve();
    hub.behaviour.cuts = [100_000, 100_000];
    const { folder } = await downloadModel(NAME);
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
    expect(ranges()).toEqual([undefined, "bytes=100000-", "bytes=200000-"]);
    expect(blobs().some((name) => name.endsWith(".incomplete"))).toBe(false);
  });

  it("for good keeps what came, says so, and the next run goes on from there", async () => {
    await serve();
    hub.behaviour.cuts = [120_000, 0, 0, 0];
    expect(await refusalOf()).toMatch(
      /^hf:lab\/tiny-vit: model\.safetensors could not be fetched whole: the connection to [\d.:]+ broke \(\w+\), 4 times in a row; 120 kB of 300 kB are kept: run again to go on$/,
    );
    expect(existsSync(cache("refs", "main"))).toBe(false);
    hub.requests.length = 0;
    await downloadModel(NAME);
    expect(ranges()).toEqual(["bytes=120000-"]);
    expect(blobs().some((name) => name.endsWith(".incomplete"))).toBe(false);
  });

  it("begins anew at a server that knows no ranges", async () => {
    await serve();
    hub.behaviour.cuts = [100_000];
    hub.behaviour.ignoreRange = true;
    const { folder } = await downloadModel(NAME);
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
  });

  it("begins anew at a server that refuses the range", async () => {
    await serve();
    hub.behaviour.cuts = [100_000];
    hub.behaviour.refuseRange = true;
    await downloadModel(NAME);
    expect(ranges()).toEqual([undefined, "bytes=100000-", undefined]);
  });

  it("by a server that says nothing more is noticed", async () => {
    await serve();
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.2");
    hub.behaviour.silent = true;
    expect(await refusalOf()).toContain("has said nothing for 0.2 s, 4 times in a row; nothing came yet");
  });

  it("is not what a slow server has", async () => {
    await serve();
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.5");
    hub.behaviour.trickle = 60;
    const { folder } = await downloadModel(NAME);
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
  });

  it("by the user keeps what came", async () => {
    await serve();
    hub.behaviour.trickle = 30;
    const stop = new AbortController();
    const onProgress = (bytes: number): void => {
      if (bytes > 100_000) stop.abort(new VitreousError("interrupted"));
    };
    expect(await refusalOf(NAME, { signal: stop.signal, onProgress })).toBe("interrupted");
    expect(blobs()).toContain(`${sha256(weights)}.incomplete`);
    delete hub.behaviour.trickle;
    await downloadModel(NAME);
    expect(ranges().at(-1)).toMatch(/^bytes=\d{6}-$/);
  });
});

describe("content that is not what the hub says", () => {
  it("is thrown away and fetched again, once", async () => {
    await serve();
    hub.behaviour.wrong = 1;
    const { folder } = await downloadModel(NAME);
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
  });

  it("twice is refused, and nothing is kept", async () => {
    await serve();
    hub.behaviour.wrong = 2;
    expect(await refusalOf()).toBe(
      `${NAME}: model.safetensors was fetched twice and is not what the repository says it is (its hash differs): something between here and ${hub.endpoint} changes it; nothing was kept`,
    );
    expect(blobs().filter((name) => name.startsWith(sha256(weights)))).toEqual([]);
  });

  it("in a part that was kept is found, and the file fetched anew", async () => {
    await serve();
    mkdirSync(cache("blobs"), { recursive: true });
    const part = cache("blobs", `${sha256(weights)}.incomplete`);
    writeFileSync(part, Buffer.alloc(5000));
    utimesSync(part, 0, 0);
    const { folder } = await downloadModel(NAME);
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
    expect(ranges()).toEqual(["bytes=5000-", undefined]);
  });
});

describe("two processes at once", () => {
  it("wait for each other, and fetch a file once", async () => {
    await serve();
    hub.behaviour.trickle = 30;
    const first = downloadModel(NAME);
    await vi.waitFor(() => expect(ranges()).toHaveLength(1));
    const both = await Promise.all([first, downloadModel(NAME)]);
    expect(ranges()).toHaveLength(1);
    for (const { folder } of both) {
      expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
    }
    expect(blobs().some((name) => name.endsWith(".incomplete"))).toBe(false);
  });

  it("leave alone a part that an older Python may be writing, and go on from a copy of it", async () => {
    await serve();
    mkdirSync(cache("blobs"), { recursive: true });
    writeFileSync(cache("blobs", `${sha256(weights)}.incomplete`), weights.subarray(0, 7000));
    await downloadModel(NAME);
    expect(ranges()).toEqual(["bytes=7000-"]);
    expect(blobs()).toContain(`${sha256(weights)}.incomplete`);
  });
});

describe("a disk", () => {
  it("without room for it is found before anything is fetched", async () => {
    await serve();
    hub.behaviour.pretendedSize = 1e17;
    expect(await refusalOf()).toMatch(
      /^hf:lab\/tiny-vit: 100000 TB are to be fetched, and the disk of .* has .* free: make room, or set HF_HOME/,
    );
    expect(ranges()).toEqual([]);
    expect(blobs().some((name) => name.endsWith(".incomplete"))).toBe(false);
  });

  it("on which nothing may be written is named", async () => {
    await serve();
    writeFileSync(join(home, "hub"), "a file in the way");
    expect(await refusalOf()).toContain("a file is in the way where a folder should be");
  });
});

describe("access", () => {
  const token = "hf_secret";

  it.each([
    ["HF_TOKEN", () => vi.stubEnv("HF_TOKEN", `${token}\n`)],
    ["HUGGING_FACE_HUB_TOKEN", () => vi.stubEnv("HUGGING_FACE_HUB_TOKEN", token)],
    ["a login's file", () => writeFileSync(join(home, "token"), token)],
    [
      "HF_TOKEN_PATH",
      () => {
        writeFileSync(join(home, "mine"), token);
        vi.stubEnv("HF_TOKEN_PATH", join(home, "mine"));
      },
    ],
  ])("is by the token of %s, which goes to the hub and never to the CDN", async (_, give) => {
    await serve();
    hub.behaviour.token = token;
    give();
    await downloadModel(NAME);
    const sent = (server: string): readonly (string | undefined)[] => [
      ...new Set(hub.requests.filter((r) => r.server === server).map((r) => r.authorization)),
    ];
    expect(sent("hub")).toEqual([`Bearer ${token}`]);
    expect(sent("cdn")).toEqual([undefined]);
  });

  it("to a repository that is private or absent asks for the name and a token", async () => {
    await serve();
    hub.behaviour.token = token;
    expect(await refusalOf()).toBe(
      `${NAME}: ${hub.endpoint} has no repository ${REPOSITORY} that is public: check the name; for a private one set HF_TOKEN to an access token`,
    );
    expect(await refusalOf(NAME, { token: "hf_wrong" })).toMatch(
      /does not accept the token in the option token \(401\): renew it at http.*\/settings\/tokens/,
    );
    hub.behaviour.token = undefined;
    expect(await refusalOf("hf:lab/other", { token })).toContain(
      "has no repository lab/other that the token in the option token may see",
    );
  });

  it("to a gated repository says where its conditions are", async () => {
    await serve();
    hub.behaviour.token = token;
    hub.behaviour.gated = true;
    const page = `accept its conditions at ${hub.endpoint}/${REPOSITORY}`;
    expect(await refusalOf()).toBe(
      `${NAME}: it is gated: ${page}, and set HF_TOKEN to an access token of your account`,
    );
    expect(await refusalOf(NAME, { token: "hf_other" })).toBe(
      `${NAME}: it is gated, and the account of the token in the option token has no access: ${page}`,
    );
  });

  it("that is forbidden repeats the hub's reason, and never the token", async () => {
    await serve();
    hub.behaviour.status = 403;
    const message = await refusalOf(NAME, { token });
    expect(message).toContain("gives no access (403: as the test wants it)");
    expect(message).not.toContain(token);
  });
});

describe("a name", () => {
  it.each([
    ["hf:", "the repository's name is missing"],
    ["hf:vit", '"vit" lacks its owner or its name'],
    ["hf:a/b/c", '"a/b/c" has more than an owner and a name'],
    ["hf:../etc", '".." is no name that the hub allows'],
    ["hf:a/b--c", '"b--c" is no name that the hub allows'],
    ["hf:a/b@", "no revision follows the @"],
    ["hf:a/b@../../x", '"../../x" is no name of a branch, tag or commit'],
    ["hf:https://huggingface.co/a/b", "this is an address, not the name of a repository"],
  ])("such as %s is refused", async (name, why) => {
    await serve();
    expect(await refusalOf(name)).toBe(
      `${name}: ${why}; write hf:owner/name or hf:owner/name@revision, such as hf:google/vit-base-patch16-224`,
    );
    expect(hub.requests).toEqual([]);
  });

  it("of a revision that is not there is refused", async () => {
    await serve();
    expect(await refusalOf(`${NAME}@v9`)).toBe(
      `${NAME}: it has no revision "v9"; its branches and tags are listed at ${hub.endpoint}/${REPOSITORY}/tree/main`,
    );
  });
});

describe("without a network", () => {
  it("the cached commit is used, and a note says so", async () => {
    await serve();
    const { folder } = await downloadModel(NAME);
    await hub.close();
    const again = await downloadModel(NAME);
    expect(again.folder).toBe(folder);
    expect(again.notes).toEqual([
      expect.stringMatching(
        new RegExp(
          `^${NAME}: [\\d.:]+ cannot be reached \\(ECONNREFUSED\\); the cached commit ${hub.commit.slice(0, 12)} is used, which was "main"`,
        ),
      ),
    ]);
  });

  it("a model that is not cached is refused in one sentence", async () => {
    await serve();
    await hub.close();
    expect(await refusalOf()).toMatch(
      /cannot be reached \(ECONNREFUSED\), and revision "main" is not in the cache /,
    );
  });

  it("by choice nothing is asked", async () => {
    await serve();
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect(await refusalOf()).toBe(
      `${NAME}: HF_HUB_OFFLINE is set, and revision "main" is not in the cache ${join(home, "hub")}: unset it to download the model`,
    );
    vi.stubEnv("HF_HUB_OFFLINE", "");
    await downloadModel(NAME);
    hub.requests.length = 0;
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect((await downloadModel(`${NAME}@${hub.commit}`)).notes[0]).toContain(
      `the cached commit ${hub.commit.slice(0, 12)} is used`,
    );
    expect(hub.requests).toEqual([]);
  });

  it("a snapshot that lacks its weights is none", async () => {
    await serve();
    const { folder } = await downloadModel(NAME);
    rmSync(join(folder, "model.safetensors"));
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect(await refusalOf()).toContain("is not in the cache");
  });

  it("a damaged file is named", async () => {
    await serve();
    const { folder } = await downloadModel(NAME);
    writeFileSync(cache("blobs", sha256(weights)), Buffer.alloc(weights.length));
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect(await refusalOf()).toContain(`${join(folder, "model.safetensors")} in the cache is damaged`);
  });
});

describe("a hub that is not itself", () => {
  it("for a moment is asked again", async () => {
    await serve();
    hub.behaviour.busy = 2;
    await expect(downloadModel(NAME)).resolves.toBeDefined();
  });

  it("is said to be busy", async () => {
    await serve();
    hub.behaviour.status = 500;
    expect(await refusalOf()).toContain("answers 500, and revision");
  });

  it("or another service is told from one", async () => {
    await serve();
    hub.behaviour.page = "<html>log in to the network</html>";
    expect(await refusalOf()).toContain(`${hub.endpoint} does not answer as a Hugging Face hub`);
  });

  it("is no address at all", async () => {
    vi.stubEnv("HF_ENDPOINT", "huggingface.co");
    expect(await refusalOf()).toContain("HF_ENDPOINT is no plain http or https address");
  });
});

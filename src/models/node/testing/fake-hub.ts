/**
 * @file A small Hugging Face hub for tests: the endpoints that @huggingface/hub and downloads call, in the shapes of the
 * real one, with large files on another port as on its CDN; and the ways in which servers and networks misbehave.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface Served {
  readonly server: "hub" | "cdn";
  /** With the query. */
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** How the servers behave from now on. */
export interface Behaviour {
  /** Without this token the repository is not told of; with `gated`, its files are refused. */
  token?: string | undefined;
  gated?: boolean;
  /** Each large file's next answers break after so many bytes. */
  cuts: number[];
  /** So many of the next answers with a large file have a wrong byte. */
  wrong: number;
  ignoreRange?: boolean;
  /** Says ranges are wrong, whatever they are (416). */
  refuseRange?: boolean;
  /** Milliseconds between pieces of a large file. */
  trickle?: number;
  /** The API answers with this status. */
  status?: number | undefined;
  /** So many of the next requests are answered with 503. */
  busy: number;
  /** What is said of a large file's length. */
  pretendedSize?: number;
  /** Requests for large files are never answered. */
  silent?: boolean;
  /** Every answer is this page. */
  page?: string | undefined;
}

export interface FakeHub {
  readonly endpoint: string;
  readonly behaviour: Behaviour;
  readonly requests: Served[];
  /** The commit of "main". */
  commit: string;
  /** Paths of the CDN that were asked for, without the API. */
  fetched(): readonly string[];
  close(): Promise<void>;
}

export const REPOSITORY = "lab/tiny-vit";
const LARGE = 1000;

export const sha256 = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");
export const gitHash = (content: Uint8Array): string =>
  createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");

/** The name of the content in a cache. */
export const blobName = (content: Uint8Array): string =>
  content.length > LARGE ? sha256(content) : gitHash(content);

const listen = async (server: Server): Promise<string> => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** Serves the files as `lab/tiny-vit`; what is larger than 1000 bytes lies on the CDN. */
export async function fakeHub(files: Readonly<Record<string, Uint8Array | string>>): Promise<FakeHub> {
  const contents = new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]));
  const bySha = new Map([...contents.values()].map((content) => [sha256(content), content]));
  const behaviour: Behaviour = { cuts: [], wrong: 0, busy: 0 };
  const requests: Served[] = [];
  const note = (server: "hub" | "cdn", { url = "", headers }: IncomingMessage): void => {
    requests.push({ server, path: url, range: headers.range, authorization: headers.authorization });
  };
  const cdn = createServer(async (request, response) => {
    note("cdn", request);
    if (behaviour.silent) return;
    const content = bySha.get(request.url?.split("/").at(-1) ?? "");
    if (content === undefined) return void response.writeHead(404).end();
    await sendFile(request, response, content, behaviour);
  });
  const cdnAddress = await listen(cdn);
  const hub = createServer((request, response) => {
    note("hub", request);
    const { status, headers, body } = answer(request, state);
    response.writeHead(status, headers).end(body);
  });
  const endpoint = await listen(hub);
  const state = {
    contents,
    behaviour,
    endpoint,
    cdnAddress,
    commit: sha256(Buffer.from(endpoint)).slice(0, 40),
  };
  const close = (server: Server): Promise<void> =>
    new Promise((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  return {
    endpoint,
    behaviour,
    requests,
    get commit() {
      return state.commit;
    },
    set commit(commit) {
      state.commit = commit;
    },
    fetched: () =>
      requests.flatMap(({ path }) =>
        /^\/(api\/|blob\/)/.test(path) ? [] : [path.split("/").slice(5).join("/")],
      ),
    close: async () => {
      await Promise.all([close(hub), close(cdn)]);
    },
  };
}

interface State {
  readonly contents: ReadonlyMap<string, Buffer>;
  readonly behaviour: Behaviour;
  readonly endpoint: string;
  readonly cdnAddress: string;
  readonly commit: string;
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: string | Buffer;
}

const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };

const json = (body: unknown, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status: 200,
  headers: { ...JSON_TYPE, ...headers },
  body: JSON.stringify(body),
});

const refused = (status: number, code?: string, error = code ?? ""): Reply => ({
  status,
  headers: { ...JSON_TYPE, ...(code && { "x-error-code": code }) },
  body: JSON.stringify({ error }),
});

function answer({ url: path = "/", headers }: IncomingMessage, state: State): Reply {
  const { behaviour, commit } = state;
  const url = new URL(path, state.endpoint);
  if (behaviour.page !== undefined) return { status: 200, headers: {}, body: behaviour.page };
  if (behaviour.busy > 0) {
    behaviour.busy--;
    return refused(503);
  }
  if (behaviour.status !== undefined) return refused(behaviour.status, undefined, "as the test wants it");
  const { authorization } = headers;
  const anonymous = authorization === undefined;
  const known = behaviour.token === undefined || authorization === `Bearer ${behaviour.token}`;
  if (!known && !behaviour.gated) {
    return anonymous
      ? refused(401, "RepoNotFound")
      : refused(401, undefined, "Invalid username or password.");
  }
  const asked =
    /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)(?:\/(.*))?$/.exec(url.pathname) ??
    /^\/([^/]+\/[^/]+)\/(resolve)\/([^/]+)\/(.+)$/.exec(url.pathname);
  const [, repository, what, encoded = "", below = ""] = asked ?? [];
  if (repository !== REPOSITORY) return refused(anonymous ? 401 : 404, "RepoNotFound");
  if (!["main", "v1", "refs/pr/3", commit, commit.slice(0, 7)].includes(decodeURIComponent(encoded))) {
    return refused(404, "RevisionNotFound");
  }
  if (what === "revision") {
    const info = {
      _id: "1",
      id: REPOSITORY,
      sha: commit,
      private: false,
      gated: false,
      downloads: 1,
      likes: 0,
    };
    return json({ ...info, lastModified: "2026-01-01T00:00:00.000Z" });
  }
  if (what === "tree") return tree(url, below, state);
  if (!known) return refused(anonymous ? 401 : 403, "GatedRepo");
  return resolved(decodeURIComponent(below), state);
}

/** In pages of three, as the real hub has pages of a thousand. */
function tree(url: URL, below: string, { contents, behaviour }: State): Reply {
  const entries = listing(contents, below, behaviour);
  if (entries.length === 0 && below !== "") return refused(404, "EntryNotFound");
  const page = Number(url.searchParams.get("cursor") ?? 0);
  const next = new URL(url);
  next.searchParams.set("cursor", String(page + 3));
  const more = page + 3 < entries.length;
  return json(entries.slice(page, page + 3), more ? { link: `<${next}>; rel="next"` } : {});
}

/** A small file itself, and where a large one lies. */
function resolved(path: string, { contents, commit, cdnAddress }: State): Reply {
  const content = contents.get(path);
  if (content === undefined) return refused(404, "EntryNotFound");
  const headers = { "x-repo-commit": commit, etag: `"${blobName(content)}"` };
  if (content.length <= LARGE) return { status: 200, headers, body: content };
  const hash = sha256(content);
  const linked = { "x-linked-etag": `"${hash}"`, "x-linked-size": content.length };
  return {
    status: 302,
    headers: { ...headers, ...linked, location: `${cdnAddress}/blob/${hash}` },
    body: "",
  };
}

function listing(
  contents: ReadonlyMap<string, Buffer>,
  below: string,
  { pretendedSize }: Behaviour,
): readonly unknown[] {
  const prefix = below === "" ? "" : `${below}/`;
  const folders = new Set<string>();
  const files: unknown[] = [];
  for (const [path, content] of contents) {
    if (!path.startsWith(prefix)) continue;
    const [first = "", ...rest] = path.slice(prefix.length).split("/");
    if (rest.length > 0) folders.add(prefix + first);
    else {
      const lfs = { oid: sha256(content), size: pretendedSize ?? content.length, pointerSize: 134 };
      const large = content.length > LARGE ? { lfs, xetHash: sha256(Buffer.from(path)) } : {};
      files.push({ type: "file", oid: gitHash(content), size: content.length, path, ...large });
    }
  }
  return [
    ...[...folders].map((path) => ({ type: "directory", oid: "0".repeat(40), size: 0, path })),
    ...files,
  ];
}

async function sendFile(
  { headers }: IncomingMessage,
  response: ServerResponse,
  whole: Buffer,
  behaviour: Behaviour,
): Promise<void> {
  const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
  if (headers.range !== undefined && behaviour.refuseRange) return void response.writeHead(416).end();
  const ranged = headers.range !== undefined && !behaviour.ignoreRange;
  const body = Buffer.from(whole.subarray(ranged ? start : 0));
  if (behaviour.wrong > 0) {
    behaviour.wrong--;
    body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
  }
  const range = { "content-range": `bytes ${start}-${whole.length - 1}/${whole.length}` };
  response.writeHead(ranged ? 206 : 200, { "content-length": body.length, ...(ranged && range) });
  const cut = behaviour.cuts.shift() ?? body.length;
  const step = behaviour.trickle === undefined ? body.length : Math.ceil(body.length / 20);
  for (let at = 0; at < Math.min(cut, body.length); at += step) {
    response.write(body.subarray(at, Math.min(at + step, cut)));
    if (behaviour.trickle !== undefined) await sleep(behaviour.trickle);
  }
  if (cut >= body.length) return void response.end();
  // Given time to arrive: a reset connection may take along what was sent.
  await sleep(50);
  response.destroy();
}

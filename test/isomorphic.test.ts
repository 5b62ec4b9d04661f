/**
 * @file Holds the architecture: what runs in browsers imports nothing of Node, and a room imports only from
 * rooms that come before it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../src", import.meta.url));

/** Rooms that Node and browsers share; what needs Node is in a folder `node` of a room. */
const isomorphic = [
  "onnx",
  "autodiff",
  "runtime",
  "anatomy",
  "models",
  "explain",
  "metrics",
  "stats",
  "imaging",
  "api",
  "training",
  "study",
  "web.ts",
];

/** Files in `src` itself that belong to no room and know of none but `onnx`. */
const common = ["in-order.ts", "random.ts", "spec.ts", "version.ts"];

/** Which other rooms a room may import from; the common files it may too. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  onnx: [],
  stats: ["onnx"],
  imaging: ["onnx"],
  autodiff: ["onnx"],
  runtime: ["onnx"],
  anatomy: ["onnx", "runtime"],
  models: ["onnx", "imaging"],
  explain: ["onnx", "autodiff", "runtime", "anatomy", "imaging"],
  metrics: ["onnx", "runtime", "anatomy", "imaging", "stats", "explain"],
  datasets: ["onnx", "imaging"],
  training: ["onnx", "autodiff", "runtime", "models", "imaging", "datasets", "stats", "api"],
  study: [
    "onnx",
    "runtime",
    "anatomy",
    "models",
    "explain",
    "metrics",
    "stats",
    "imaging",
    "datasets",
    "api",
    "training",
  ],
};

interface Source {
  /** Relative to `src`, with slashes. */
  readonly path: string;
  readonly code: string;
  readonly imports: readonly string[];
}

/** Comments and the contents of strings are not code; import specifiers are read before they are blanked. */
function parse(path: string, text: string): Source {
  const uncommented = text.replace(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    "$1",
  );
  const specifier =
    /(?:^|[\s;}])(?:import|export)\b[^"'`;]*?from\s*["']([^"']+)["']|\bimport\s*\(?\s*["']([^"']+)["']/g;
  return {
    path,
    code: uncommented.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.|\$(?!\{))*`/g, '""'),
    imports: [...uncommented.matchAll(specifier)].map(([, from, bare]) => from ?? bare ?? ""),
  };
}

const sources = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.(ts|js)$/.test(entry.name) && !/\.test\.ts$/.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name))
  .map((file) => parse(relative(root, file).split(sep).join("/"), readFileSync(file, "utf8")))
  .filter(({ path }) => !path.split("/").includes("testing"));

const roomOf = (path: string): string => path.split("/", 1)[0] ?? "";
const needsNode = (path: string): boolean => path.split("/").includes("node");

/** The source that a relative import means, relative to `src`; named .js, as in the import. */
function target(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier);
}

const bySpecifier = new Map(sources.map((source) => [source.path.replace(/\.ts$/, ".js"), source]));

/** The shared rooms' sources, and whatever else they import. */
const shared = new Set(
  sources.filter(({ path }) => [...isomorphic, ...common].includes(roomOf(path)) && !needsNode(path)),
);
for (const { path, imports } of shared) {
  for (const name of imports.filter((name) => name.startsWith("."))) {
    const source = bySpecifier.get(target(path, name));
    if (source !== undefined) shared.add(source);
  }
}

const nodeModule =
  /^(node:|(sharp|onnxruntime-node|commander|linkedom|fs|path|os|worker_threads|buffer|process)(\/|$))/;
const nodeGlobal = /(?<![.#\w$])(Buffer|process|__dirname|__filename|require|setImmediate|global)\s*[.([]/;

describe("what browsers run", () => {
  it("is found, with its imports of every form", () => {
    expect(shared.size).toBeGreaterThan(50);
    const { imports, code } = parse(
      "x.ts",
      `import a, { type B } from "node:a";
      export * from 'node:b'; import "node:c";
      const d = await import("node:d"); // import "node:e"
      /* process.exit() */ const s = "Buffer.from(1)"; const t = \`\${process.pid}\`;`,
    );
    expect(imports).toEqual(["node:a", "node:b", "node:c", "node:d"]);
    expect(code).toMatch(nodeGlobal);
    expect(code.replace("process.pid", "")).not.toMatch(nodeGlobal);
  });

  it("imports nothing of Node, at whatever remove", () => {
    const wrong = [...shared].flatMap(({ path, imports }) =>
      imports
        .filter((name) => nodeModule.test(name) || (name.startsWith(".") && needsNode(target(path, name))))
        .map((name) => `${path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it("uses no global of Node", () => {
    expect([...shared].filter(({ code }) => nodeGlobal.test(code)).map(({ path }) => path)).toEqual([]);
  });
});

describe("rooms", () => {
  const strays = (room: string, allowed: readonly string[]) =>
    sources
      .filter(({ path }) => roomOf(path) === room)
      .flatMap(({ path, imports }) =>
        imports
          .filter((name) => name.startsWith("."))
          .map((name) => target(path, name))
          .filter((to) => ![room, ...allowed].includes(roomOf(to)))
          .map((to) => `${path} imports ${to}`),
      );
  const commonNames = common.map((name) => name.replace(/ts$/, "js"));

  it.each(Object.entries(mayImport))("%s imports only from %j", (room, allowed) => {
    expect(strays(room, [...allowed, ...commonNames])).toEqual([]);
  });

  it.each(common)("%s knows no room but onnx", (file) => {
    expect(strays(file, ["onnx"])).toEqual([]);
  });
});

/**
 * @file A web server for the built page, with the headers that let WebAssembly use threads.
 */
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".css": "text/css",
};

export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a folder, and beside it the files given by path ("/model.onnx"). */
export async function serveFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<Site> {
  const server: Server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    try {
      const body =
        files.get(path) ?? (await readFile(join(folder, normalize(path === "/" ? "/index.html" : path))));
      response.writeHead(200, {
        "Content-Type": types[extname(path) || ".html"] ?? "application/octet-stream",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
      });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

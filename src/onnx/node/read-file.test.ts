import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { externalTensor, protoModel, rawTensor, tinyGraph } from "../../../test/proto-model.js";
import { VitreousError } from "../errors.js";
import { readModelFile } from "./read-file.js";

const folder = mkdtempSync(join(tmpdir(), "vitreous-read-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const weights = new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer);

describe("readModelFile", () => {
  it("reads a model and says its SHA-256", async () => {
    const bytes = protoModel(tinyGraph([rawTensor("w", [4], weights)]));
    const path = write("plain.onnx", bytes);
    const file = await readModelFile(path);
    expect(file.model.graph.nodes.map((n) => n.op)).toEqual(["Add"]);
    expect(file.sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(file.bytes).toEqual(bytes);
  });

  it("reads external data from an offset, and hashes it too", async () => {
    const bytes = protoModel(
      tinyGraph([externalTensor("w", [4], { location: "ext.data", offset: "8", length: "16" })]),
    );
    const data = new Uint8Array([...new Uint8Array(8), ...weights, 9]);
    write("ext.data", data);
    const file = await readModelFile(write("ext.onnx", bytes));
    expect(file.model.graph.constants.get("w")?.bytes).toEqual(weights);
    expect(file.sha256).toBe(createHash("sha256").update(bytes).update(data).digest("hex"));
  });

  it("says which external file is missing", async () => {
    const path = write(
      "lost.onnx",
      protoModel(tinyGraph([externalTensor("w", [4], { location: "lost.data" })])),
    );
    await expect(readModelFile(path)).rejects.toThrow(
      /lost\.onnx: Its weights are kept.*lost\.data.*no such file/,
    );
  });

  it("says that an external file is too short", async () => {
    write("short.data", weights.subarray(0, 15));
    const path = write(
      "short.onnx",
      protoModel(tinyGraph([externalTensor("w", [4], { location: "short.data" })])),
    );
    await expect(readModelFile(path)).rejects.toThrow(
      /"short\.data" is too short: Weight "w" needs 16 bytes/,
    );
  });

  it("does not read outside the model's folder", async () => {
    for (const location of ["../secret", "/etc/passwd", "a/../../b", "C:\\x", "..\\x", ""]) {
      const path = write("escape.onnx", protoModel(tinyGraph([externalTensor("w", [4], { location })])));
      await expect(readModelFile(path)).rejects.toThrow(/must lie in the model's own folder/);
    }
  });

  it("says what is wrong with the path", async () => {
    mkdirSync(join(folder, "dir"));
    await expect(readModelFile(join(folder, "none.onnx"))).rejects.toThrow(
      /none\.onnx: there is no such file/,
    );
    await expect(readModelFile(join(folder, "dir"))).rejects.toThrow(/is a directory/);
    await expect(readModelFile(join(folder, "none.onnx"))).rejects.toBeInstanceOf(VitreousError);
  });

  it.skipIf(process.platform === "win32")("does not wait for a named pipe", async () => {
    const path = join(folder, "pipe.onnx");
    execFileSync("mkfifo", [path]);
    await expect(readModelFile(path)).rejects.toThrow(/not a regular file/);
  });

  it("refuses what is larger than 2 GB without reading it", async () => {
    const path = write("huge.onnx", "");
    truncateSync(path, 2 ** 31);
    await expect(readModelFile(path)).rejects.toThrow(/larger than 2 GB/);
  });

  it.skipIf(process.getuid?.() === 0)("says that permission is missing", async () => {
    const path = write("locked.onnx", "x");
    chmodSync(path, 0);
    await expect(readModelFile(path)).rejects.toThrow(/permission to read it is denied/);
  });
});

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VitreousError } from "../../onnx/errors.js";
import { makeFolder, writeFailure, writeFileAtomic } from "./atomic.js";

describe("writing files", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vitreous-write-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("replaces the old content whole and leaves nothing beside it", async () => {
    const path = join(folder, "a.json");
    await writeFileAtomic(path, "old");
    await writeFileAtomic(path, new TextEncoder().encode("new"));
    expect(await readFile(path, "utf8")).toBe("new");
    expect(await readdir(folder)).toEqual(["a.json"]);
  });

  it("leaves nothing behind when it fails", async () => {
    const taken = join(folder, "taken");
    await mkdir(join(taken, "sub"), { recursive: true });
    await expect(writeFileAtomic(taken, "x")).rejects.toThrow(VitreousError);
    expect((await readdir(folder)).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  it("says that a folder is missing, or that a file is in its way", async () => {
    await expect(writeFileAtomic(join(folder, "none", "a"), "x")).rejects.toThrow(
      /its folder does not exist/,
    );
    await writeFile(join(folder, "file"), "x");
    await expect(makeFolder(join(folder, "file", "sub"))).rejects.toThrow(/a file is in the way/);
    await expect(makeFolder(join(folder, "file"))).rejects.toThrow(/a file is in the way/);
  });

  it("says what to do about a full disk", () => {
    const full = Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    expect(writeFailure("out/a.png", full).message).toBe(
      "out/a.png could not be written: the disk is full; free some space and run again.",
    );
  });
});

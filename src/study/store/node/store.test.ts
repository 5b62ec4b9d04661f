import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UnitKey } from "../../types.js";
import { openClaims } from "./claims.js";
import { openStore, unitHash } from "./store.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vitreous-store-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const key: UnitKey = {
  kind: "scores",
  engine: { vitreous: "1" },
  model: { sha256: "ab", options: { arch: null } },
  preprocessing: { mean: [0.5] },
  images: ["01", "02"],
  batch: 8,
  device: "cpu",
};
const result = {
  value: { words: ["naïve", null, 0.1], empty: {} },
  arrays: {
    curves: Float64Array.of(0.1, Number.MIN_VALUE, -0),
    logits: Float32Array.of(1 / 3, Number.NaN, Number.POSITIVE_INFINITY),
    none: new Float32Array(0),
  },
};

function fileOf(root: string): string {
  const [file = ""] = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((f) =>
    f.endsWith(".cell"),
  );
  return join(root, file);
}

describe("a store of units", () => {
  it("gives back what was written, with every bit", async () => {
    const store = openStore(join(folder, "bits"));
    expect(store.read(unitHash(key))).toBe("absent");
    await store.write(key, result);
    expect(store.read(unitHash(key))).toEqual(result);
    const written = readFileSync(fileOf(store.folder));
    await store.write(key, result);
    expect(readFileSync(fileOf(store.folder))).toEqual(written);
  });

  it("names a unit by all of its key and nothing else: not by the order of its fields", () => {
    const { kind, ...rest } = key;
    expect(unitHash({ ...rest, kind })).toBe(unitHash(key));
    expect(unitHash({ ...key, seed: 1 })).not.toBe(unitHash(key));
    expect(unitHash({ ...key, images: ["02", "01"] })).not.toBe(unitHash(key));
    expect(unitHash({ ...key, engine: { vitreous: "2" } })).not.toBe(unitHash(key));
  });

  it("tells a file that was changed, cut or emptied from a whole one", async () => {
    const store = openStore(join(folder, "damaged"));
    await store.write(key, result);
    const path = fileOf(store.folder);
    const whole = readFileSync(path);
    for (const at of [0, 20, 100, whole.length - 1]) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 1;
      writeFileSync(path, changed);
      expect(store.read(unitHash(key))).toBe("damaged");
    }
    for (const length of [0, 50, whole.length - 8]) {
      writeFileSync(path, whole.subarray(0, length));
      expect(store.read(unitHash(key))).toBe("damaged");
    }
    await store.write(key, result);
    expect(store.read(unitHash(key))).toEqual(result);
  });

  it("says what to do where nothing can be written", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(openStore(join(folder, "file")).write(key, result)).rejects.toThrow(
      /could not be written: a file is in the way/,
    );
  });
});

describe("a claim", () => {
  it("keeps others out until it is released", async () => {
    const [one, two] = [openClaims(join(folder, "claims")), openClaims(join(folder, "claims"))];
    expect(await one.take("a")).toBe(true);
    expect(await one.take("a")).toBe(false);
    expect(await two.take("a")).toBe(false);
    expect(await two.take("b")).toBe(true);
    one.release("a");
    expect(await two.take("a")).toBe(true);
    two.close();
    expect(await one.take("b")).toBe(true);
    one.close();
    expect(readdirSync(join(folder, "claims"))).toEqual([]);
  });

  it("of a process that is gone is nothing, though a later one has its number", async () => {
    const root = join(folder, "dead");
    const claims = openClaims(root);
    expect(await claims.take("a")).toBe(true);
    const [name = ""] = readdirSync(root);
    const [place = "", pid = "", start = ""] = (name.split(".")[1] ?? "").split("-");
    const gone = [`b.${place}-999999999-${start}-0`, `c.${place}-${pid}-${Number(start) + 1}-0`];
    for (const file of gone) writeFileSync(join(root, file), "");
    expect(await claims.take("b")).toBe(true);
    // Only Linux tells when a process was started.
    if (process.platform === "linux") expect(await claims.take("c")).toBe(true);
    for (const file of gone) expect(readdirSync(root)).not.toContain(file);
    claims.close();
  });

  it("of another machine holds as long as it is renewed", async () => {
    const root = join(folder, "elsewhere");
    const claims = openClaims(root);
    expect(await claims.take("a")).toBe(true);
    writeFileSync(join(root, "b.0123456789ab-1-1-0"), "");
    expect(await claims.take("b")).toBe(false);
    claims.close();
  });
});

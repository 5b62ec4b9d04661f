/** @file When things end badly: Ctrl-C, a reader that goes away, a folder that cannot be written, a full disk. */
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "csv-parse/sync";
import { afterAll, describe, expect, it } from "vitest";
import { MAIN } from "./built.js";
import {
  complaints,
  expectNothingHalf,
  expectOneClearLine,
  type Running,
  VIT,
  type Workplace,
  workplace,
} from "./command.js";
import { explainJson, resultsJson } from "./contract.js";

const at = workplace();

async function pictures(folder: string, count: number): Promise<string> {
  const name = await at.picture(`${folder}/0000.png`, 64, 64);
  const bytes = readFileSync(at.path(name));
  for (let i = 1; i < count; i++) writeFileSync(at.path(folder, `${String(i).padStart(4, "0")}.png`), bytes);
  return folder;
}

/** Interrupts the command once `ready`. */
async function interrupt({ child, ended }: Running, ready: () => boolean, signal: NodeJS.Signals = "SIGINT") {
  let over = false;
  ended.then(() => {
    over = true;
  });
  while (!over && !ready()) await sleep(10);
  expect(over, "the command ended before it could be interrupted").toBe(false);
  child.kill(signal);
  return ended;
}

const written = (place: Workplace, folder: string, type: string): number =>
  existsSync(place.path(folder)) ? place.files(folder).filter((f) => f.endsWith(type)).length : 0;

describe("an interrupted explain", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "by %s leaves whole files and a whole record of what is done",
    async (signal) => {
      const images = await pictures(`many-${signal}`, 400);
      const out = `out-${signal}`;
      const running = at.start("explain", VIT, images, "--method", "rollout", "--out", out, "--threads", "1");
      const result = await interrupt(running, () => written(at, out, ".png") > 5, signal);
      expect(result.status).toBe(1);
      expectOneClearLine(result, /^interrupted: \d+ of 400 images are done, in out-/);
      expectNothingHalf(at.files(out));
      const record = at.json(explainJson, out, "explain.json");
      expect(record.images.length).toBeGreaterThan(0);
      expect(record.images.length).toBeLessThan(400);
      expect(record).toMatchObject({ interrupted: true, failed: [] });
      const files = new Set(at.files(out));
      for (const { png = "" } of record.images.flatMap((i) => i.maps.map((m) => m.files))) {
        expect(files).toContain(png);
      }
      expect(result.stdout.trim().split("\n")).toHaveLength(record.images.length + 1);
    },
  );
});

describe("an interrupted evaluate", () => {
  it("leaves results.json and scores.csv valid for what is done", async () => {
    const images = await pictures("many-scores", 400);
    const running = at.start(
      ...["evaluate", VIT, images, "--method", "rollout", "--metric", "deletion:step=64", "--sheet"],
      ...["--out", "scores", "--threads", "1"],
    );
    // The growing file shows that images are being scored.
    const result = await interrupt(running, () =>
      at
        .files()
        .some((f) => /scores\/scores\.csv\..*part$/.test(f) && readFileSync(at.path(f)).length > 2000),
    );
    expect(result.status).toBe(1);
    expectOneClearLine(result, /^interrupted: \d+ of 400 images are scored, in scores/);
    expect(at.files("scores")).toEqual(["contact-sheet.html", "results.json", "scores.csv"]);
    const { images: scored, summary } = at.json(resultsJson, "scores", "results.json");
    expect(parse(readFileSync(at.path("scores", "scores.csv"), "utf8"), { columns: true })).toHaveLength(
      scored.length,
    );
    expect(summary[0]?.n).toBe(scored.length);
    expect(scored.length).toBeLessThan(400);
  });
});

describe("a reader that goes away", () => {
  it("is no error", async () => {
    const images = await pictures("piped", 3);
    for (const line of [
      `"${process.execPath}" "${MAIN}" inspect "${VIT}" --json | head -n 1`,
      `"${process.execPath}" "${MAIN}" explain "${VIT}" "${at.path(images)}" --out "${at.path("piped-out")}" 2>&1 | head -n 1`,
    ]) {
      const { stderr, stdout } = spawnSync(
        "bash",
        ["-c", `set -o pipefail; ${line}; echo "status \${PIPESTATUS[0]}"`],
        {
          encoding: "utf8",
        },
      );
      expect(stdout).toMatch(/status 0\n$/);
      expect(stderr.replace(/^warning: .*\n/, "")).toBe("");
    }
    expect(at.json(explainJson, "piped-out", "explain.json").images).toHaveLength(3);
  });
});

describe("a folder that cannot be written", () => {
  it("is answered before anything is computed", async () => {
    const image = await at.picture("a.png");
    writeFileSync(at.path("file"), "in the way");
    const file = await at.run("explain", VIT, image, "--out", "file");
    expectOneClearLine(file, /^vitreous: file could not be written: a file is in the way/);
    const below = await at.run("evaluate", VIT, image, "--method", "rollout", "--out", "file/below");
    expectOneClearLine(below, /file\/below could not be written/);
    expect([file.status, below.status]).toEqual([1, 1]);
  });

  it.skipIf(process.platform !== "linux")("also where the system lets nobody write", async () => {
    const image = await at.picture("a.png");
    const result = await at.run("explain", VIT, image, "--out", "/proc/vitreous");
    expectOneClearLine(result, /^vitreous: \/proc\/vitreous could not be written: .*choose another/);
    expect(result.status).toBe(1);
  });

  const root = process.getuid?.() === 0;
  it.skipIf(root)("also for want of permission (not tried as root, who may write everywhere)", async () => {
    const image = await at.picture("a.png");
    mkdirSync(at.path("closed"));
    chmodSync(at.path("closed"), 0o555);
    const result = await at.run("explain", VIT, image, "--out", "closed");
    expectOneClearLine(result, /permission is denied/);
    expect(result.status).toBe(1);
  });
});

describe("a full disk", () => {
  const disk = "disk";
  /** A disk of 256 kB in memory; why there is none, where the system gives none. */
  const mount = (): string | undefined => {
    mkdirSync(at.path(disk), { recursive: true });
    const made = spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "vitreous-test", at.path(disk)]);
    return made.status === 0 ? undefined : String(made.error?.message ?? made.stderr);
  };
  /** Fills the disk but for so many bytes. */
  const leave = (path: string, bytes: number): void => {
    let size = 0;
    try {
      for (; ; size += 4096) appendFileSync(path, new Uint8Array(4096));
    } catch {
      truncateSync(path, Math.max(0, size - bytes));
    }
  };
  afterAll(() => {
    spawnSync("umount", [at.path(disk)]);
  });

  it("ends the work with one clear line; whole files stay, half ones do not", async (context) => {
    const why = mount();
    if (why !== undefined) {
      process.stderr.write(
        `The full-disk test is skipped: no small disk can be mounted here (${why.trim()}).\n`,
      );
      context.skip();
    }
    const images = await pictures("for-disk", 20);
    const explained = await at.run("explain", VIT, images, "--format", "png,npy", "--out", `${disk}/maps`);
    expect(explained.status).toBe(1);
    expectOneClearLine(explained, /^vitreous: .* could not be written: the disk is full; free some space/);
    const files = at.files(disk, "maps");
    expectNothingHalf(files);
    expect(files).not.toContain("explain.json");
    const maps = files.filter((f) => f.endsWith(".npy"));
    for (const name of maps)
      expect(readFileSync(at.path(disk, "maps", name))).toHaveLength(128 + 4 * 32 * 32);
    leave(at.path(disk, "filler"), 16_384);
    const args = ["--method", "rollout", "--metric", "deletion:step=4", "--out", `${disk}/scores`];
    const scored = await at.run("evaluate", VIT, images, ...args);
    expect(scored.status).toBe(1);
    expectOneClearLine(scored, /could not be written: the disk is full/);
    expect(complaints(scored)).toHaveLength(1);
    expect(at.files(disk, "scores")).toEqual([]);
  });
});

/** @file Runs `vitreous` as a child process, in a folder of its own, and looks at what it said and left. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect } from "vitest";
import type { z } from "zod";
import { ensureBuilt, MAIN, REPOSITORY } from "./built.js";

export const fixture = (...path: readonly string[]): string => join(REPOSITORY, "test", "fixtures", ...path);

/** A ViT of 32×32 pixels, 4×4 patches and six classes. */
export const VIT = fixture("models", "vit", "legacy-17.onnx");
export const QUANTISED = fixture("models", "vit", "legacy-17-int8.onnx");
export const SWIN = fixture("models", "swin", "legacy-17.onnx");
export const RESNET = fixture("cli", "resnet.onnx");

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
}

export interface Workplace {
  /** Absolute path of something in the folder; folders above it are made. */
  path(...parts: readonly string[]): string;
  /** Runs the command in the folder. */
  run(...args: readonly string[]): Promise<Outcome>;
  start(...args: readonly string[]): Running;
  json<T>(schema: z.ZodType<T>, ...parts: readonly string[]): T;
  /** Names below a folder, sorted, with "/" between. */
  files(...parts: readonly string[]): readonly string[];
  /** A smooth coloured picture. */
  picture(name: string, width?: number, height?: number): Promise<string>;
}

/** A folder for one test file, made before and removed after its tests. */
export function workplace(): Workplace {
  let folder = "";
  beforeAll(async () => {
    await ensureBuilt();
    folder = mkdtempSync(join(tmpdir(), "vitreous-cli-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = (...parts: readonly string[]): string => {
    const full = join(folder, ...parts);
    mkdirSync(dirname(full), { recursive: true });
    return full;
  };
  const start = (...args: readonly string[]): Running => {
    const child = spawn(process.execPath, [MAIN, ...oneThread(args)], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    return { child, ended: outcome(child) };
  };
  return {
    path,
    start,
    run: (...args) => start(...args).ended,
    json: (schema, ...parts) => schema.parse(JSON.parse(readFileSync(join(folder, ...parts), "utf8"))),
    files: (...parts) =>
      readdirSync(join(folder, ...parts), { recursive: true, encoding: "utf8" })
        .map((name) => name.replaceAll("\\", "/"))
        .sort(),
    async picture(name, width = 48, height = 40) {
      await sharp(gradient(width, height), { raw: { width, height, channels: 3 } }).toFile(path(name));
      return name;
    },
  };
}

/** Tests run beside each other, and spinning threads of tiny models only take the cores from one another. */
const oneThread = (args: readonly string[]): readonly string[] =>
  /^(explain|evaluate)$/.test(args[0] ?? "") && !args.includes("--threads")
    ? [...args, "--threads", "1"]
    : args;

/** RGB that changes over x, y and their product. */
export function gradient(width: number, height: number): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data.set([(255 * x) / width, (255 * y) / height, ((x * y) / 3) % 256], (y * width + x) * 3);
    }
  }
  return data;
}

function outcome(child: ChildProcess): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, stdout, stderr })));
}

/** What was said on standard error, without warnings and notes: complaints. */
export const complaints = ({ stderr }: Outcome): readonly string[] =>
  stderr.split("\n").filter((line) => line !== "" && !/^(warning|note): /.test(line));

/** One sentence for a person: one line, no trace, nothing of the machinery. */
export function expectOneClearLine(result: Outcome, ...said: readonly RegExp[]): void {
  const lines = complaints(result);
  expect(lines, result.stderr).toHaveLength(1);
  expect(result.stderr).not.toMatch(/\n\s+at |node:|Error:|\[object|undefined|NaN,/);
  for (const pattern of said) expect(lines[0]).toMatch(pattern);
}

/** No file is left that was under way. */
export function expectNothingHalf(files: readonly string[]): void {
  expect(files.filter((name) => /\.part$|\.tmp$/.test(name))).toEqual([]);
}

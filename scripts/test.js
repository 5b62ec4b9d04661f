/**
 * @file All tests: build, types, style, unit, property, corpus and browser tests, and the counts in one plain line at the end.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * @param {string} title
 * @param {string} command
 * @param {readonly string[]} args
 */
function step(title, command, args) {
  console.log(`\n── ${title}`);
  const { status } = spawnSync(command, args, { stdio: "inherit", shell: process.platform === "win32" });
  return { title, ok: status === 0 };
}

const folder = mkdtempSync(join(tmpdir(), "vitreous-test-"));
const report = join(folder, "vitest.json");
const steps = [
  // First: the benchmarks' types are those of the built package.
  step("build", "npm", ["run", "--silent", "build"]),
  step("types", "npx", ["tsc", "-p", "tsconfig.json"]),
  step("style", "npx", ["biome", "check", "--error-on-warnings", "."]),
  step("tests", "npx", [
    "vitest",
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ]),
];
/** @type {{ numPassedTests: number, numFailedTests: number, numPendingTests: number }} */
const counts = JSON.parse(readFileSync(report, "utf8"));
rmSync(folder, { recursive: true });
console.log(
  `\ntests: ${counts.numPassedTests} passed, ${counts.numFailedTests} failed, ${counts.numPendingTests} skipped`,
);
const failed = steps.filter(({ ok }) => !ok).map(({ title }) => title);
if (failed.length > 0) console.log(`failed steps: ${failed.join(", ")} (see above)`);
process.exitCode = failed.length === 0 && counts.numPassedTests > 0 ? 0 : 1;

/**
 * @file Installs what the lockfile says, unless it is there already: so that each of the README's commands works on a
 * fresh clone by itself, and costs nothing on the next call.
 */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";

/** @param {string} path */
const changed = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 9)) {
  console.error(`Vitreous needs Node 20.9 or later; this is ${process.versions.node}.`);
  process.exit(1);
}
if (changed("node_modules/.package-lock.json") < changed("package-lock.json")) {
  console.error("Installing packages (npm ci) …");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** @file The README says what is: its table of parameters is that of the schemas, its commands and names exist. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { METHODS } from "../../src/explain/registry.js";
import { METRICS } from "../../src/metrics/registry.js";
import { ensureBuilt, REPOSITORY } from "./built.js";

const readme = readFileSync(join(REPOSITORY, "README.md"), "utf8");

/** "owner parameter default" of each row of the table; an empty owner is the one above. */
function documented(): readonly string[] {
  let owner = "";
  const rows: string[] = [];
  for (const line of readme.split("\n")) {
    const match = /^\| (?:`([a-z-]+)`)? ?\| `([a-z]+)` \| `([^`]+)` \| .+ \|$/.exec(line);
    if (match === null) continue;
    owner = match[1] ?? owner;
    rows.push(`${owner} ${match[2]} ${match[3]}`);
  }
  return rows;
}

function declared(registry: Readonly<Record<string, { readonly schema: z.ZodObject }>>): readonly string[] {
  return Object.entries(registry).flatMap(([owner, { schema }]) =>
    Object.entries(schema.parse({})).map(([parameter, value]) => `${owner} ${parameter} ${String(value)}`),
  );
}

describe("the README", () => {
  it("lists each method's and metric's parameters with their defaults, and no others", () => {
    expect(documented().toSorted()).toEqual([...declared(METHODS), ...declared(METRICS)].toSorted());
  });

  it("links to files that exist, and to headings in them", () => {
    const links = [...readme.matchAll(/\]\((?!http|#)([^)]+)\)/g)].map((m) => m[1] ?? "");
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) {
      const [file = "", heading] = link.split("#");
      expect(existsSync(join(REPOSITORY, file)), link).toBe(true);
      if (heading === undefined) continue;
      const headings = [...readFileSync(join(REPOSITORY, file), "utf8").matchAll(/^#+ (.+)$/gm)];
      expect(headings.map(([, title = ""]) => title.toLowerCase().replaceAll(" ", "-"))).toContain(heading);
    }
  });

  it("shows a program that runs", async () => {
    await ensureBuilt();
    const code = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
    expect(code).toContain('from "vitreous"');
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      cwd: REPOSITORY,
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/label: 'monocyte'/);
    expect(stdout).toMatch(
      /grad-cam insertion 0\.\d{3}\n[\s\S]*gradient-rollout:discard=0\.5 deletion 0\.\d{3}\n$/,
    );
  });

  it("names commands of package.json", () => {
    const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8"));
    for (const [, name = ""] of readme.matchAll(/npm (?:run )?(start|test|build|bench)\b/g)) {
      expect(scripts).toHaveProperty(name);
    }
  });
});

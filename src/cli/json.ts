/** @file JSON for people as well as programs: indented, but a list of plain values stays on its line. */

export function prettyJson(value: unknown, indent = ""): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const deeper = `${indent}  `;
  const entries = Array.isArray(value)
    ? value.map((item) => prettyJson(item, deeper))
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => `${JSON.stringify(key)}: ${prettyJson(item, deeper)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  const flat = `${open}${entries.join(", ")}${close}`;
  if (flat.length <= WIDTH && !flat.includes("\n")) return flat;
  return `${open}\n${entries.map((e) => `${deeper}${e}`).join(",\n")}\n${indent}${close}`;
}

const WIDTH = 100;

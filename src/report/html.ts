/** @file HTML as tagged templates that escape what they are given: names of files and classes are anybody's text. */

export interface Html {
  readonly text: string;
}

type Part = string | number | Html | readonly Html[];

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** Markup that is ours and safe. */
export const raw = (text: string): Html => ({ text });

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = strings[0] ?? "";
  parts.forEach((part, i) => {
    text += textOf(part) + (strings[i + 1] ?? "");
  });
  return { text };
}

function textOf(part: Part): string {
  if (typeof part === "string") return escapeHtml(part);
  if (typeof part === "number") return String(part);
  return "text" in part ? part.text : part.map((p) => p.text).join("");
}

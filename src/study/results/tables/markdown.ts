/** @file Tables as GitHub's Markdown. */
import type { Table, TableCell } from "./table.js";

/** The table with its caption and notes. */
export function markdownTable({ caption, columns, rows, notes }: Table): string {
  const heading = columns.map(({ name, group }) =>
    escaped(group === undefined || group === "" ? name : `${group}: ${name}`),
  );
  const lines = rows.flatMap(({ section, cells }) => [
    ...(section === undefined ? [] : [[`*${escaped(section)}*`, ...columns.slice(1).map(() => "")]]),
    cells.map(cellText),
  ]);
  const table = [heading, columns.map(({ align }) => (align === "left" ? ":--" : "--:")), ...lines];
  return [
    `**${escaped(caption)}**`,
    table.map((line) => `| ${line.join(" | ")} |`).join("\n"),
    ...notes.map(escaped),
    "",
  ]
    .join("\n\n")
    .trimEnd()
    .concat("\n");
}

function cellText({ text, detail, bold, mark }: TableCell): string {
  const marked = escaped(text) + (mark ?? "");
  return [bold === true ? `**${marked}**` : marked, ...(detail === undefined ? [] : [escaped(detail)])].join(
    " ",
  );
}

const escaped = (text: string): string => text.replace(/[\\|*_`<>[\]]/g, "\\$&").replace(/\s+/g, " ");

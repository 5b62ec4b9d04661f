/** @file Tables as LaTeX with booktabs, to be taken into a paper as they are. */
import type { Table, TableCell, TableColumn, TableRow } from "./table.js";

/** A table environment; needs \usepackage{booktabs}. */
export function latexTable({ name, caption, columns, rows, notes }: Table): string {
  const lines = [
    "% \\usepackage{booktabs}",
    "\\begin{table}",
    "\\centering",
    `\\caption{${escaped(caption)}}`,
    `\\label{tab:${name}}`,
    `\\begin{tabular}{${columns.map((c) => (c.align === "left" ? "l" : "r")).join("")}}`,
    "\\toprule",
    ...groupLines(columns),
    `${columns.map((c) => escaped(c.name)).join(" & ")} \\\\`,
    "\\midrule",
    ...rows.flatMap((row, i) => rowLines(row, columns.length, i)),
    "\\bottomrule",
    "\\end{tabular}",
    ...(notes.length === 0 ? [] : [`\\par\\smallskip\\footnotesize ${notes.map(escaped).join(" ")}`]),
    "\\end{table}",
  ];
  return `${lines.join("\n")}\n`;
}

function rowLines({ cells, section }: TableRow, width: number, i: number): readonly string[] {
  const heading =
    section === undefined
      ? []
      : [...(i > 0 ? ["\\midrule"] : []), `\\multicolumn{${width}}{l}{\\emph{${escaped(section)}}} \\\\`];
  return [...heading, `${cells.map(cellText).join(" & ")} \\\\`];
}

function cellText({ text, detail, bold, mark }: TableCell): string {
  const body = bold === true ? `\\textbf{${escaped(text)}}` : escaped(text);
  const small = detail === undefined ? "" : ` {\\scriptsize ${escaped(detail)}}`;
  return body + (mark === undefined ? "" : escaped(mark)) + small;
}

/** Headings over several columns, with rules below; nothing where no column has one. */
function groupLines(columns: readonly TableColumn[]): readonly string[] {
  if (columns.every((c) => c.group === undefined)) return [];
  const spans: { readonly group: string; readonly from: number; to: number }[] = [];
  columns.forEach(({ group = "" }, i) => {
    const last = spans.at(-1);
    if (last !== undefined && last.group === group) last.to = i;
    else spans.push({ group, from: i, to: i });
  });
  const cells = spans.map(
    ({ group, from, to }) =>
      `\\multicolumn{${to - from + 1}}{${group === "" ? "l" : "c"}}{${escaped(group)}}`,
  );
  const rules = spans
    .filter((s) => s.group !== "")
    .map(({ from, to }) => `\\cmidrule(lr){${from + 1}-${to + 1}}`);
  return [`${cells.join(" & ")} \\\\`, rules.join(" ")];
}

const SYMBOLS: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "↑": "$\\uparrow$",
  "↓": "$\\downarrow$",
  "−": "$-$",
  "–": "--",
  "†": "$^\\dagger$",
  τ: "$\\tau$",
  ρ: "$\\rho$",
  α: "$\\alpha$",
  "<": "$<$",
  ">": "$>$",
};

const escaped = (text: string): string =>
  text.replace(/[\\~^↑↓−–†τρα<>]|[&%$#_{}]/g, (c) => SYMBOLS[c] ?? `\\${c}`).replace(/\s+/g, " ");

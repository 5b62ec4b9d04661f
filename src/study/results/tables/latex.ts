/** @file Tables as LaTeX with booktabs, to be taken into a paper as they are; docs/study-results.md says how. */
import type { Table, TableCell, TableColumn, TableRow } from "./table.js";

/** Rows that fit on a page; longer tables run over several. */
const MOST_ROWS = 40;

/**
 * A table environment, made narrower where it is wider than the text, with intervals below their numbers; a longtable
 * where it is longer than a page. The packages that it needs stand in its first line.
 */
export function latexTable(table: Table): string {
  const { rows, name, caption, columns } = table;
  const long = rows.length > MOST_ROWS;
  const title = `\\caption{${escaped(caption)}}`;
  const label = `\\label{tab:${name}}`;
  const align = columns.map((c) => (c.align === "left" ? "l" : "r")).join("");
  const head = [
    "\\toprule",
    ...groupLines(columns),
    `${started(columns.map((c) => escaped(c.name)).join(" & "))} \\\\`,
    "\\midrule",
  ];
  const body = rows.flatMap((row, i) => rowLines(row, columns.length, i, long));
  const lines = long
    ? [
        "% \\usepackage{booktabs,longtable}",
        "\\begingroup\\scriptsize\\setlength{\\tabcolsep}{3pt}",
        `\\begin{longtable}{${align}}`,
        `${title}${label} \\\\`,
        ...head,
        "\\endfirsthead",
        ...head,
        "\\endhead",
        "\\bottomrule",
        "\\endfoot",
        ...body,
        "\\end{longtable}",
        ...notesOf(table),
        "\\endgroup",
      ]
    : [
        "% \\usepackage{booktabs,graphicx}",
        "\\begin{table}",
        "\\centering\\setlength{\\tabcolsep}{4pt}",
        title,
        label,
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
        `\\begin{tabular}{${align}}`,
        ...head,
        ...body,
        "\\bottomrule",
        "\\end{tabular}}",
        ...notesOf(table),
        "\\end{table}",
      ];
  return `${lines.join("\n")}\n`;
}

const notesOf = ({ notes }: Table): readonly string[] =>
  notes.length === 0
    ? []
    : [
        `\\par\\smallskip\\noindent\\begin{minipage}{\\linewidth}\\footnotesize ${notes.map(escaped).join(" ")}\\end{minipage}`,
      ];

/** A bracket or star that begins a row would be taken for an argument of the line break before it. */
const started = (row: string): string => (/^[[*]/.test(row) ? `{}${row}` : row);

/** Details stand below their numbers; in long tables beside them, which halves their pages. */
function rowLines(
  { cells, section }: TableRow,
  width: number,
  i: number,
  beside: boolean,
): readonly string[] {
  const heading =
    section === undefined
      ? []
      : [...(i > 0 ? ["\\midrule"] : []), `\\multicolumn{${width}}{l}{\\emph{${escaped(section)}}} \\\\`];
  const details = cells.map(({ detail }) =>
    detail === undefined ? "" : `{\\scriptsize ${escaped(detail)}}`,
  );
  const line = cells.map((cell, at) => `${cellText(cell)}${beside ? ` ${details[at] ?? ""}`.trimEnd() : ""}`);
  const numbers = `${started(line.join(" & "))} \\\\`;
  if (beside || cells.every((c) => c.detail === undefined)) return [...heading, numbers];
  return [...heading, `${numbers}*[-2pt]`, `${details.join(" & ")} \\\\[2pt]`];
}

/** A mark hangs beside its number, so that digits stay below each other. */
function cellText({ text, bold, mark }: TableCell): string {
  const body = bold === true ? `\\textbf{${escaped(text)}}` : escaped(text);
  return mark === undefined ? body : `${body}\\rlap{${escaped(mark)}}`;
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
  χ: "$\\chi$",
  µ: "$\\mu$",
  μ: "$\\mu$",
  "²": "$^2$",
  "≥": "$\\ge$",
  "≤": "$\\le$",
  "≈": "$\\approx$",
  "×": "$\\times$",
  "±": "$\\pm$",
  "·": "$\\cdot$",
  "<": "$<$",
  ">": "$>$",
};

const escaped = (text: string): string =>
  text.replace(/[\\~^↑↓−–†τραχµμ²≥≤≈×±·<>]|[&%$#_{}]/g, (c) => SYMBOLS[c] ?? `\\${c}`).replace(/\s+/g, " ");

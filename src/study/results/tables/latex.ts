/** @file Tables as LaTeX with booktabs, to be taken into a paper as they are; docs/study-results.md says how. */
import type { Table, TableCell, TableColumn, TableRow } from "./table.js";

/** Rows that fit on a page; longer tables run over several. */
const MOST_ROWS = 40;
/** Of an article's text, in points. */
const LINE = 345;
/** A character of a table in small print, and of its details, in points: a digit's width. */
const CHARACTER = { footnotesize: 4.25, scriptsize: 4 } as const;
/** Between columns. */
const GAP = 6;
/** What names of any length should have at least. */
const NAME = 60;

/**
 * Table environments with intervals below their numbers; longtables where rows are more than a page has. Columns that
 * stand together (a data set's) have a table of their own where all of them are wider than the text. The packages that
 * it needs stand in the first line.
 */
export function latexTable(table: Table): string {
  const parts = partsOf(table);
  const long = table.rows.length > MOST_ROWS;
  const packages = long ? "booktabs,longtable" : isFitted(table) ? "booktabs" : "booktabs,graphicx";
  return [`% \\usepackage{${packages}}`, ...parts.flatMap(environment), ""].join("\n");
}

function environment(table: Table): readonly string[] {
  const { rows, name, caption, columns } = table;
  const long = rows.length > MOST_ROWS;
  const beside = long && widthOf(table, true) <= LINE;
  const title = `\\caption{${escaped(caption)}}`;
  const label = `\\label{tab:${name}}`;
  const align = columns.map((column) => alignOf(table, column, beside)).join("");
  const head = [
    "\\toprule",
    ...groupLines(columns),
    `${started(columns.map((c) => escaped(c.name)).join(" & "))} \\\\`,
    "\\midrule",
  ];
  const body = rows.flatMap((row, i) => rowLines(table, row, i, beside));
  if (long)
    return [
      "\\begingroup\\scriptsize\\setlength{\\tabcolsep}{3pt}",
      `\\begin{longtable}{@{}${align}@{}}`,
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
    ];
  const fitted = isFitted(table);
  return [
    "\\begin{table}",
    "\\centering\\footnotesize\\setlength{\\tabcolsep}{3pt}",
    title,
    label,
    ...(fitted ? [] : ["\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%"]),
    `\\begin{tabular}{@{}${align}@{}}`,
    ...head,
    ...body,
    "\\bottomrule",
    `\\end{tabular}${fitted ? "" : "}"}`,
    ...notesOf(table),
    "\\end{table}",
  ];
}

/** What has columns of names is as wide as the text. */
const isFitted = ({ columns }: Table): boolean => columns.some((c) => c.names);

/** The table, or where it is wider than the text a table for each group of columns. */
function partsOf(table: Table): readonly Table[] {
  const groups = [...new Set(table.columns.flatMap(({ group }) => group || []))];
  if (groups.length < 2 || widthOf(table, false) <= LINE) return [table];
  return groups.map((wanted, i) => {
    const kept = table.columns.flatMap(({ group }, at) => (!group || group === wanted ? [at] : []));
    const of = <T>(items: readonly T[]): readonly T[] => items.filter((_, at) => kept.includes(at));
    return {
      ...table,
      name: i === 0 ? table.name : `${table.name}-${i + 1}`,
      caption: `${table.caption}, ${wanted}`,
      columns: of(table.columns).map(({ group: _, ...column }) => column),
      rows: table.rows.map((row) => ({ ...row, cells: of(row.cells) })),
    };
  });
}

/** Points that a table takes at least. */
function widthOf(table: Table, beside: boolean): number {
  const character = table.rows.length > MOST_ROWS ? CHARACTER.scriptsize : CHARACTER.footnotesize;
  return table.columns.reduce(
    (sum, column) => sum + GAP + (column.names ? NAME : charactersOf(table, column, beside) * character),
    0,
  );
}

/** Of a column's longest entry; those of details are a little smaller. */
function charactersOf({ columns, rows }: Table, column: TableColumn, beside: boolean): number {
  const at = columns.indexOf(column);
  return Math.max(
    column.name.length,
    ...rows.map(({ cells }) => {
      const { text = "", detail = "" } = cells[at] ?? {};
      const small = (detail.length * CHARACTER.scriptsize) / CHARACTER.footnotesize;
      return beside && detail !== "" ? text.length + 1 + small : Math.max(text.length, small);
    }),
  );
}

/** Columns of names share what the others leave of the text's width. */
function alignOf(table: Table, column: TableColumn, beside: boolean): string {
  if (!column.names) return column.align === "left" ? "l" : "r";
  const { columns } = table;
  const others = columns.filter((c) => !c.names);
  const em = others.reduce((sum, c) => sum + charactersOf(table, c, beside) / 2, 0);
  const gaps = 2 * (columns.length - 1);
  return `p{\\dimexpr(\\linewidth-${em.toFixed(1)}em-${gaps}\\tabcolsep)/${columns.length - others.length}\\relax}`;
}

const notesOf = ({ notes }: Table): readonly string[] =>
  notes.length === 0
    ? []
    : [
        `\\par\\smallskip\\noindent\\begin{minipage}{\\linewidth}\\footnotesize ${notes.map(escaped).join(" ")}\\end{minipage}`,
      ];

/** A bracket or star that begins a row would be taken for an argument of the line break before it. */
const started = (row: string): string => (/^[[*]/.test(row) ? `{}${row}` : row);

/** Details stand below their numbers, or beside them. A heading stays with its rows. */
function rowLines(
  { columns }: Table,
  { cells, section }: TableRow,
  i: number,
  beside: boolean,
): readonly string[] {
  const heading =
    section === undefined
      ? []
      : [
          ...(i > 0 ? ["\\midrule"] : []),
          `\\multicolumn{${columns.length}}{@{}l@{}}{\\emph{${escaped(section)}}} \\\\*`,
        ];
  const details = cells.map(({ detail }) =>
    detail === undefined ? "" : `{\\scriptsize ${escaped(detail)}}`,
  );
  const line = cells.map((cell, at) => {
    const text = `${cellText(cell)}${beside ? ` ${details[at] ?? ""}`.trimEnd() : ""}`;
    return columns[at]?.names ? `\\raggedright ${text}` : text;
  });
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

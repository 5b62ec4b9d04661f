import { describe, expect, it } from "vitest";
import { latexTable } from "./latex.js";
import { plain, type Table, type TableColumn } from "./table.js";

const table = (columns: readonly TableColumn[], rows: number, detail = "[0.123, 0.456]"): Table => ({
  name: "t",
  caption: "Scores",
  columns,
  rows: Array.from({ length: rows }, () => ({
    cells: columns.map(({ align }) => (align === "left" ? plain("vit") : { text: "0.300", detail })),
  })),
  notes: ["A note."],
  numbers: { header: [], rows: [] },
});

const model: TableColumn = { name: "Model", align: "left", group: "" };
const scores = (group: string, count: number): readonly TableColumn[] =>
  Array.from({ length: count }, (_, i) => ({ name: `S${i}`, align: "right", group }));
const names = (name: string): TableColumn => ({ name, align: "left", names: true });

describe("a LaTeX table", () => {
  it("that fits the text holds all groups of columns", () => {
    const text = latexTable(table([model, ...scores("A", 2), ...scores("B", 2)], 3));
    expect(text.match(/\\begin\{table\}/g)).toHaveLength(1);
    expect(text).toContain("\\multicolumn{2}{c}{A} & \\multicolumn{2}{c}{B} \\\\");
  });

  it("that is wider than the text is one for each group, which says so and has its own label", () => {
    const text = latexTable(table([model, ...scores("A", 4), ...scores("B", 4)], 3));
    expect(text.match(/\\begin\{tabular\}\{@\{\}lrrrr@\{\}\}/g)).toHaveLength(2);
    expect(text).toContain("\\caption{Scores, A}\n\\label{tab:t}");
    expect(text).toContain("\\caption{Scores, B}\n\\label{tab:t-2}");
    expect(text.match(/usepackage/g)).toHaveLength(1);
    expect(text).not.toContain("multicolumn");
  });

  it("gives names what its other columns leave of the text, and needs booktabs alone", () => {
    const text = latexTable(table([names("a"), names("b"), ...scores("", 1)], 3));
    expect(text.split("\n")[0]).toBe("% \\usepackage{booktabs}");
    const name = "p{\\dimexpr(\\linewidth-6.6em-4\\tabcolsep)/2\\relax}";
    expect(text).toContain(`\\begin{tabular}{@{}${name}${name}r@{}}`);
    expect(text).toContain("\\raggedright vit & \\raggedright vit & 0.300 ");
  });

  it("runs over pages where it is long, with details beside their numbers only where they fit", () => {
    const few = latexTable(table([model, ...scores("", 2)], 50));
    expect(few.split("\n")[0]).toBe("% \\usepackage{booktabs,longtable}");
    expect(few).toContain("vit & 0.300 {\\scriptsize [0.123, 0.456]} & 0.300");
    const many = latexTable(table([model, ...scores("", 4)], 50));
    expect(many).toContain("vit & 0.300 & 0.300 & 0.300 & 0.300 \\\\*[-2pt]");
  });
});

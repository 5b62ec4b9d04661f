/** @file Whether metrics and data sets order the rows alike. */
import { titleOf } from "../../analysis/findings.js";
import type { StudyAnalysis } from "../../analysis/types.js";
import { decimals, plain, pValue, type Table } from "./table.js";

export function agreementTable({ title, agreements, datasets, metrics }: StudyAnalysis): Table {
  const name = (id: string): string => titleOf([...datasets, ...metrics], id);
  return {
    name: "agreement",
    caption: `${title}: agreement on the order of the rows`,
    columns: [
      { name: "Of", align: "left" },
      { name: "And", align: "left" },
      { name: "Within", align: "left" },
      { name: "Rows", align: "right" },
      { name: "Kendall τ", align: "right" },
      { name: "p", align: "right" },
      { name: "Spearman ρ", align: "right" },
      { name: "p", align: "right" },
    ],
    rows: agreements.map((g) => ({
      cells: [
        plain(name(g.a)),
        plain(name(g.b)),
        plain(name(g.within)),
        plain(String(g.n)),
        plain(decimals(g.kendall?.value ?? null, 2)),
        plain(pValue(g.kendall?.p ?? null)),
        plain(decimals(g.spearman?.value ?? null, 2)),
        plain(pValue(g.spearman?.p ?? null)),
      ],
    })),
    notes: [
      "Of the rows' means, turned so that the better is the larger: 1 is the same order, −1 the opposite one.",
    ],
    numbers: {
      header: [
        "kind",
        "within",
        "a",
        "b",
        "rows",
        "kendall",
        "kendall_p",
        "spearman",
        "spearman_p",
        "reason",
      ],
      rows: agreements.map((g) => [
        g.kind,
        g.within,
        g.a,
        g.b,
        g.n,
        g.kendall?.value ?? null,
        g.kendall?.p ?? null,
        g.spearman?.value ?? null,
        g.spearman?.p ?? null,
        g.reason ?? null,
      ]),
    },
  };
}

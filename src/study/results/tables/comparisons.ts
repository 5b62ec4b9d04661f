/** @file Every paired comparison: what differs by how much, how sure that is, and what could have been found. */
import { nameOf, titleOf } from "../../analysis/findings.js";
import type { Comparison, StudyAnalysis } from "../../analysis/types.js";
import { decimals, estimateCell, plain, pValue, type Table } from "./table.js";

const KINDS: Readonly<Record<Comparison["kind"], string>> = {
  methods: "Two methods on one model",
  models: "Two models under one method",
  rows: "Any two rows of the table",
  controls: "A method and a control",
};

export function comparisonTable(analysis: StudyAnalysis): Table {
  const { title, comparisons, settings } = analysis;
  const sorted = Object.keys(KINDS).flatMap((kind) => comparisons.filter((c) => c.kind === kind));
  return {
    name: "comparisons",
    caption: `${title}: paired comparisons`,
    columns: [
      { name: "a", align: "left", names: true },
      { name: "b", align: "left", names: true },
      { name: "n", align: "right" },
      { name: "a − b", align: "right" },
      { name: "p", align: "right" },
      { name: "r", align: "right" },
      { name: "MDD", align: "right" },
    ],
    rows: sorted.map((c, i) => {
      const section = sectionOf(analysis, c);
      const before = sorted[i - 1];
      return {
        ...(before !== undefined && section === sectionOf(analysis, before) ? {} : { section }),
        cells: [
          { text: nameOf(analysis, c.a), bold: c.test?.significant === true && c.better === "a" },
          { text: nameOf(analysis, c.b), bold: c.test?.significant === true && c.better === "b" },
          plain(String(c.groups)),
          estimateCell(c.difference),
          plain(pValue(c.test?.adjusted ?? null)),
          plain(decimals(c.effect?.rankBiserial ?? null, 2)),
          plain(decimals(c.detectable)),
        ],
      };
    }),
    notes: [
      `Differences are averaged within groups of dependent images, of which there are n. p: ${settings.test} test, two-sided, after Holm's correction over the comparisons of one kind, data set and metric, which stand together. Bold: significantly better (α = ${settings.alpha}). r: matched-pairs rank-biserial correlation.`,
      `MDD: minimum detectable difference, the smallest true mean difference found with a power of ${100 * settings.power} % at α divided by the number of those comparisons.`,
    ],
    numbers: { header: HEADER, rows: sorted.map(numbersOf) },
  };
}

const sectionOf = ({ datasets, metrics }: StudyAnalysis, c: Comparison): string =>
  `${KINDS[c.kind]}: ${titleOf(datasets, c.dataset)}, ${titleOf(metrics, c.metric)}`;

const HEADER = [
  "kind",
  "dataset",
  "metric",
  "a_model",
  "a_method",
  "b_model",
  "b_method",
  "images",
  "groups",
  "difference",
  "low",
  "high",
  "better",
  "test",
  "statistic",
  "computation",
  "p",
  "p_holm",
  "family",
  "significant",
  "rank_biserial",
  "standardised",
  "wins",
  "detectable",
  "reason",
];

function numbersOf(c: Comparison): readonly (string | number | boolean | null)[] {
  const { test, effect, difference } = c;
  return [
    c.kind,
    c.dataset,
    c.metric,
    c.a.model,
    c.a.method,
    c.b.model,
    c.b.method,
    c.n,
    c.groups,
    difference.mean,
    difference.interval?.[0] ?? null,
    difference.interval?.[1] ?? null,
    c.better,
    test?.name ?? null,
    test?.statistic ?? null,
    test?.computation ?? null,
    test?.p ?? null,
    test?.adjusted ?? null,
    test?.family ?? null,
    test?.significant ?? null,
    effect?.rankBiserial ?? null,
    effect?.standardised ?? null,
    effect?.wins ?? null,
    c.detectable,
    c.reason ?? null,
  ];
}

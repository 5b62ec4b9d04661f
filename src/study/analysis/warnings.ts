/** @file What a reader has to know before believing the table: one plain sentence each, none where nothing is amiss. */
import { columns, type Findings, nameOf, titleOf } from "./findings.js";
import { counted, listed, listedUpTo, percent } from "./words.js";

export const warningsOf = (findings: Findings): readonly string[] => [
  ...smallSets(findings),
  ...noBetterThanControls(findings),
  ...poorModels(findings),
  ...missing(findings),
];

function smallSets(findings: Findings): readonly string[] {
  const measured = columns(findings);
  const small = findings.detectability.filter(
    (d) => d.tooSmall && measured.some((c) => c.dataset === d.dataset && c.metric === d.metric),
  );
  // What does not depend on the metric is said once.
  const said = small.map((d) => ({
    metric: d.metric,
    text: `${titleOf(findings.datasets, d.dataset)}: ${d.sentence.slice(0, -1)}`,
  }));
  return [...new Set(said.map((s) => s.text))].map((text) => {
    const metrics = said.filter((s) => s.text === text).map((s) => titleOf(findings.metrics, s.metric));
    return `${text} (by ${listedUpTo(metrics, 4)}).`;
  });
}

/** Rows that a random map is as good as, and those whose own map turned upside down is better. */
function noBetterThanControls(findings: Findings): readonly string[] {
  const said = columns(findings).flatMap(({ dataset, metric }) => {
    const against = findings.comparisons.filter(
      (c) => c.kind === "controls" && c.dataset === dataset && c.metric === metric,
    );
    const key = { dataset, metric: titleOf(findings.metrics, metric) };
    const random = against.filter(
      (c) => c.b.method === "random" && !(c.better === "a" && c.test?.significant === true),
    );
    const inverted = against.filter(
      (c) => c.b.method.startsWith("inverted ") && c.better === "b" && c.test?.significant === true,
    );
    const names = (all: typeof against): string =>
      listedUpTo(
        all.map((c) => nameOf(findings, c.a)),
        4,
      );
    return [
      ...(random.length > 0
        ? [{ ...key, text: `not significantly better than random maps: ${names(random)}.` }]
        : []),
      ...(inverted.length > 0
        ? [{ ...key, text: `significantly worse than the same maps turned upside down: ${names(inverted)}.` }]
        : []),
    ];
  });
  // What holds by several metrics is said once.
  return findings.datasets.flatMap(({ id, title }) => {
    const own = said.filter((s) => s.dataset === id);
    return [...new Set(own.map((s) => s.text))].map((text) => {
      const by = own.filter((s) => s.text === text).map((s) => s.metric);
      return `On ${title} by ${listed(by)}, ${text}`;
    });
  });
}

/** Models that are no surer to be right than who always answers the commonest class. */
function poorModels(findings: Findings): readonly string[] {
  return findings.datasets.flatMap(({ id, title }) => {
    const own = findings.accuracy.filter((a) => a.dataset === id);
    const poor = own.flatMap(({ model, accuracy, interval }) => {
      const commonest = commonestShare(findings, id, model);
      return accuracy !== null && interval !== null && commonest < 1 && interval[0] <= commonest
        ? [{ name: `${titleOf(findings.models, model)} (${percent(accuracy)})`, commonest }]
        : [];
    });
    const unlabelled = Math.max(0, ...own.map((a) => a.unlabelled));
    return [
      ...(poor[0] === undefined
        ? []
        : [
            `On ${title}, not surely right more often than who always answers the commonest class (${percent(poor[0].commonest)}): ${listedUpTo(
              poor.map((p) => p.name),
              4,
            )}. A faithful map of a wrong model explains nothing about the images.`,
          ]),
      ...(unlabelled > 0
        ? [
            `On ${title}, ${counted(unlabelled, "image has", "images have")} no label that is one of the models' classes; accuracy leaves them out.`,
          ]
        : []),
    ];
  });
}

function commonestShare({ confusion }: Findings, dataset: string, model: string): number {
  const counts = confusion.find((c) => c.dataset === dataset && c.model === model)?.counts ?? [];
  const sizes = counts.map((row) => row.reduce((a, b) => a + b, 0));
  return (
    Math.max(0, ...sizes) /
    Math.max(
      1,
      sizes.reduce((a, b) => a + b, 0),
    )
  );
}

function missing({ undefinedScores, failures }: Findings): readonly string[] {
  const reasons = undefinedScores.reasons.map(({ reason, count }) => `${reason} (${count})`);
  return [
    ...(undefinedScores.count > 0
      ? [
          `${counted(undefinedScores.count, "score is", "scores are")} undefined and left out of all means: ${listedUpTo(reasons, 3)}.`,
        ]
      : []),
    ...(failures.length > 0
      ? [`${counted(failures.length, "thing")} could not be computed; the list is at the end.`]
      : []),
  ];
}

import { describe, expect, it } from "vitest";
import { mix } from "../../random.js";
import { analyse } from "./analyse.js";
import { type SyntheticRow, syntheticStudy } from "./testing/synthetic.js";
import type { Standing } from "./types.js";

/** A reproducible number for each image, in [−1, 1]. */
const wobble = (i: number, of: string): number =>
  mix(
    i,
    [...of].reduce((h, c) => mix(c.charCodeAt(0), h), 1),
  ) /
    2 ** 31 -
  1;

interface Entry {
  readonly model: string;
  readonly method: string;
  /** By metric. */
  readonly mean: Readonly<Record<string, number>>;
}

/** Rows whose true means are known; images vary by ±`noise` around them. */
function rowsOf(
  dataset: string,
  images: number,
  entries: readonly Entry[],
  noise = 0.02,
  more: (i: number) => Partial<SyntheticRow> = () => ({}),
): SyntheticRow[] {
  return entries.flatMap(({ model, method, mean }) =>
    Object.entries(mean).flatMap(([metric, center]) =>
      Array.from({ length: images }, (_, i) => ({
        dataset,
        model,
        method,
        metric,
        image: `${i}.png`,
        score: center + noise * wobble(i, model + method + metric),
        ...more(i),
      })),
    ),
  );
}

const CLEAR: readonly Entry[] = [
  { model: "vit", method: "cam", mean: { insertion: 0.5, deletion: 0.3 } },
  { model: "vit", method: "rollout", mean: { insertion: 0.4, deletion: 0.4 } },
  { model: "dino", method: "cam", mean: { insertion: 0.7, deletion: 0.1 } },
  { model: "dino", method: "rollout", mean: { insertion: 0.6, deletion: 0.2 } },
];
const random: readonly Entry[] = ["vit", "dino"].map((model) => ({
  model,
  method: "random",
  mean: { insertion: 0.3, deletion: 0.5 },
}));

const standingsOf = (rows: readonly SyntheticRow[], metric: string): readonly Standing[] =>
  analyse(syntheticStudy(rows))
    .cells.filter((c) => c.metric === metric)
    .map((c) => c.standing);

describe("the answer", () => {
  it("names the row that is significantly better than every other by every metric", () => {
    const labelled = (i: number) => ({ label: i % 2 === 0 ? "a" : "b", predicted: i % 2 === 0 ? "a" : "b" });
    const { answer, warnings } = analyse(
      syntheticStudy([
        ...rowsOf("pbc", 30, CLEAR, 0.02, labelled),
        ...rowsOf("pbc", 30, random, 0.02, labelled),
        ...rowsOf("busi", 30, CLEAR, 0.02, labelled),
        ...rowsOf("busi", 30, random, 0.02, labelled),
      ]),
    );
    expect(answer.headline).toBe(
      "DINO with cam is the most faithful on both data sets, significantly better than every other by every metric.",
    );
    expect(answer.confidence).toBe("clear");
    expect(answer.datasets[0]).toMatchObject({
      winner: { model: "dino", method: "cam" },
      meanRank: 1,
      rows: 4,
      rivals: [],
      sentence:
        "On PBC (30 images), DINO with cam is the most faithful: its mean rank over Insertion and Deletion is 1.0 of 4; by Insertion and Deletion it is significantly better than every other.",
    });
    expect(answer.points).toContain(
      "On PBC, by Insertion cam is the best method on 2 of 2 models (significantly on 2); by Deletion cam is the best method on 2 of 2 models (significantly on 2).",
    );
    expect(answer.points).toContain(
      "On PBC, significantly better than a random map are 4 of 4 rows by Insertion; 4 of 4 rows by Deletion.",
    );
    expect(answer.points).toContain(
      "PBC and BUSI order the 4 rows much alike by Insertion (Kendall τ 1.00).",
    );
    expect(warnings).toEqual([]);
  });

  it("says that nothing is sure where images vary more than rows differ", () => {
    const { answer, warnings } = analyse(syntheticStudy(rowsOf("pbc", 30, CLEAR, 3)));
    expect(answer.confidence).toBe("open");
    expect(answer.headline).toMatch(
      /comes first on PBC, but by no metric significantly better than every other/,
    );
    expect(answer.datasets[0]?.rivals).toHaveLength(3);
    expect(answer.datasets[0]?.sentence).toMatch(
      /by Insertion and Deletion it cannot be told from any other/,
    );
    expect(warnings.join()).toMatch(/PBC: 30 images are too few to tell a mean difference of/);
  });

  it("differs from data set to data set where the rows do", () => {
    const turned = CLEAR.map((e) => ({ ...e, model: e.model === "vit" ? "dino" : "vit" }));
    const { answer } = analyse(syntheticStudy([...rowsOf("pbc", 20, CLEAR), ...rowsOf("busi", 20, turned)]));
    expect(answer.headline).toBe(
      "It depends on the data: first comes DINO with cam on PBC (significantly by every metric) and VIT with cam on BUSI (significantly by every metric).",
    );
  });

  it("says by which metric it is sure", () => {
    const level = CLEAR.map((e) => ({ ...e, mean: { insertion: e.mean.insertion ?? 0, deletion: 0.3 } }));
    const { answer } = analyse(syntheticStudy(rowsOf("pbc", 20, level)));
    expect(answer.confidence).toBe("partial");
    expect(answer.datasets[0]?.sentence).toMatch(
      /by Insertion it is significantly better than every other; by Deletion it (cannot be told from|is significantly worse than)/,
    );
  });

  it("ranks nothing where there is one row", () => {
    const { answer, rankings, detectability } = analyse(syntheticStudy(rowsOf("pbc", 8, CLEAR.slice(0, 1))));
    expect(answer.headline).toBe("VIT with cam was measured alone: there is nothing to rank it against.");
    expect(answer.datasets[0]?.sentence).toMatch(
      /^On PBC \(8 images\), VIT with cam scores 0\.\d{3} by Insertion and 0\.\d{3} by Deletion; there is no other/,
    );
    expect(rankings[0]).toMatchObject({
      entries: [],
      friedman: null,
      reason: expect.stringContaining("two"),
    });
    expect(detectability).toEqual([]);
  });

  it("says so where there is no score at all", () => {
    const none = rowsOf("pbc", 4, CLEAR).map((r) => ({ ...r, score: null }));
    const { answer, cells, undefinedScores, warnings } = analyse(syntheticStudy(none));
    expect(answer.headline).toBe("The study has no scores that could be ranked.");
    expect(answer.datasets[0]).toMatchObject({ winner: null, confidence: "open" });
    expect(cells[0]).toMatchObject({
      score: { mean: null, n: 0, reason: "no values" },
      spread: null,
      curve: null,
    });
    expect(undefinedScores).toEqual({
      count: 32,
      reasons: [{ reason: "the class has no probability", count: 32 }],
    });
    expect(warnings.join()).toContain("32 scores are undefined");
  });
});

describe("bold type", () => {
  it("is for a row that is significantly better than each other, alone", () => {
    expect(standingsOf(rowsOf("pbc", 20, CLEAR), "deletion")).toEqual(["worse", "worse", "best", "worse"]);
  });
  it("is for none where the second cannot be told from the first", () => {
    const near = CLEAR.map((e, i) => ({
      ...e,
      mean: { insertion: i === 3 ? 0.7001 : (e.mean.insertion ?? 0) },
    }));
    const found = standingsOf(rowsOf("pbc", 20, near), "insertion");
    expect(found.slice(0, 2)).toEqual(["worse", "worse"]);
    expect(found.slice(2).toSorted()).toEqual(["leading", "level"]);
  });
  it("is for none of six images, of which no paired test can tell anything after correction", () => {
    expect(standingsOf(rowsOf("pbc", 6, CLEAR), "insertion")).toEqual(["level", "level", "leading", "level"]);
  });
  it("never is for a control, however good", () => {
    const good = random.map((e) => ({ ...e, mean: { insertion: 0.99, deletion: 0 } }));
    const found = standingsOf([...rowsOf("pbc", 20, CLEAR), ...rowsOf("pbc", 20, good)], "insertion");
    expect(found).toEqual(["worse", "worse", "best", "worse", "none", "none"]);
  });
});

describe("dependent images", () => {
  it("count as one where a patient has several: the interval widens and the test has as many pairs as patients", () => {
    const grouped = rowsOf("pbc", 24, CLEAR, 0.1, (i) => ({ group: `patient ${i % 4}` }));
    const [cell] = analyse(syntheticStudy(grouped)).cells;
    expect(cell?.score).toMatchObject({ n: 24, groups: 4 });
    const { comparisons, datasets } = analyse(
      syntheticStudy(grouped, { statistics: { test: "permutation" } }),
    );
    expect(datasets[0]?.groups).toBe(4);
    expect(comparisons.every((c) => c.groups === 4 && c.n === 24)).toBe(true);
    // Of 2⁴ sign changes at least two are as extreme as what was found.
    expect(Math.min(...comparisons.map((c) => c.test?.p ?? 1))).toBeGreaterThanOrEqual(2 / 16);
    expect(comparisons[0]?.test).toMatchObject({ name: "permutation", computation: "exact" });
  });
});

describe("undefined and missing scores", () => {
  const rows = rowsOf("pbc", 10, CLEAR);

  it("are left out of means and of paired comparisons, and are counted with their reasons", () => {
    const holes = rows.map((r) =>
      r.model === "vit" && r.method === "cam" && r.metric === "insertion" && Number.parseInt(r.image, 10) < 3
        ? { ...r, score: null, reason: r.image === "0.png" ? "an empty map" : "no probability" }
        : r,
    );
    const { cells, comparisons, rankings, undefinedScores } = analyse(syntheticStudy(holes));
    expect(cells[0]?.score.n).toBe(7);
    expect(cells[0]?.values.slice(0, 3)).toEqual([null, null, null]);
    expect(cells[0]?.undefinedScores).toEqual({
      count: 3,
      reasons: [
        { reason: "no probability", count: 2 },
        { reason: "an empty map", count: 1 },
      ],
    });
    expect(undefinedScores.count).toBe(3);
    const contrast = cells.find((c) => c.metric === "insertion - deletion");
    expect(contrast?.undefinedScores.count).toBe(3);
    expect(comparisons.find((c) => c.metric === "insertion")?.n).toBe(7);
    expect(rankings.find((r) => r.metric === "insertion")?.blocks).toBe(7);
  });

  it("of an image that failed is no undefined score, and leaves the other images where they are", () => {
    const gone = rows.filter((r) => !(r.model === "dino" && r.image === "0.png"));
    const { cells } = analyse(syntheticStudy(gone));
    const dino = cells.find((c) => c.model === "dino");
    expect(dino).toMatchObject({ score: { n: 9 }, undefinedScores: { count: 0 } });
    expect(dino?.values[0]).toBeNull();
    expect(dino?.values).toHaveLength(10);
  });

  it("of a whole row leave the ranking to the others", () => {
    const gone = rows.map((r) => (r.model === "vit" && r.method === "cam" ? { ...r, score: null } : r));
    const { rankings, answer } = analyse(syntheticStudy(gone));
    expect(rankings[0]).toMatchObject({ blocks: 10 });
    expect(rankings[0]?.entries).toHaveLength(3);
    expect(answer.datasets[0]).toMatchObject({ winner: { model: "dino", method: "cam" }, rows: 3 });
  });

  it("do not let a probability of 0 into AUC/p₀", () => {
    const [cell] = analyse(
      syntheticStudy(
        rows.map((r) => (r.image === "0.png" ? { ...r, probability: 0 } : { ...r, probability: 0.5 })),
      ),
    ).cells;
    expect(cell?.relative?.n).toBe(9);
    const others = cell?.values.slice(1) ?? [];
    expect(cell?.relative?.mean).toBeCloseTo((2 * others.reduce<number>((s, v) => s + (v ?? 0), 0)) / 9, 12);
  });
});

describe("derived metrics", () => {
  it("are insertion minus deletion, image by image", () => {
    const { cells, metrics } = analyse(syntheticStudy(rowsOf("pbc", 5, CLEAR)));
    const of = (metric: string) => cells.find((c) => c.metric === metric)?.values ?? [];
    expect(metrics.at(-1)).toEqual({
      id: "insertion - deletion",
      title: "Insertion − Deletion",
      direction: "higher",
      derived: true,
    });
    expect(of("insertion - deletion")).toEqual(
      of("insertion").map((v, i) => (v ?? 0) - (of("deletion")[i] ?? 0)),
    );
    expect(cells.find((c) => c.metric === "insertion - deletion")?.curve).toBeNull();
  });
  it("are left out where which deletion belongs to an insertion is not said", () => {
    const several = CLEAR.map((e) => ({ ...e, mean: { ...e.mean, "deletion:step=448": 0.2 } }));
    expect(analyse(syntheticStudy(rowsOf("pbc", 5, several))).metrics.some((m) => m.derived)).toBe(false);
  });
});

describe("models and labels", () => {
  const labelled = (right: (i: number) => boolean) =>
    rowsOf("pbc", 20, CLEAR, 0.02, (i) => ({
      label: i % 4 === 0 ? "b" : "a",
      predicted: right(i) === (i % 4 === 0) ? "b" : "a",
    }));

  it("are judged by accuracy, and scores apart for images that are right and wrong", () => {
    const { accuracy, cells } = analyse(syntheticStudy(labelled((i) => i !== 3)));
    expect(accuracy[0]).toMatchObject({ images: 20, unlabelled: 0, correct: 19, accuracy: 0.95 });
    expect(cells[0]?.right?.n).toBe(19);
    expect(cells[0]?.wrong).toMatchObject({ n: 1, mean: cells[0]?.values[3] });
  });
  it("are warned of where they know no more than the commonest class", () => {
    const { warnings } = analyse(syntheticStudy(labelled((i) => i % 4 !== 0)));
    expect(warnings).toEqual([
      "On PBC, not surely right more often than who always answers the commonest class (75.0 %): VIT (75.0 %) and DINO (75.0 %). A faithful map of a wrong model explains nothing about the images.",
    ]);
  });
  it("have no accuracy without labels, and what is missing or failed is said", () => {
    const { accuracy, confusion, cells, warnings } = analyse(
      syntheticStudy(rowsOf("pbc", 20, CLEAR), {
        failures: [{ dataset: "pbc", image: "x.png", model: null, method: null, reason: "is no image" }],
      }),
    );
    expect(accuracy[0]).toMatchObject({ accuracy: null, interval: null, unlabelled: 20 });
    expect(confusion).toEqual([]);
    expect([cells[0]?.right, cells[0]?.wrong]).toEqual([null, null]);
    expect(warnings).toContain("1 thing could not be computed; the list is at the end.");
    expect(warnings.join()).toContain("20 images have no label");
  });
});

describe("controls", () => {
  it("show a method that knows nothing, and one that is better upside down", () => {
    const upside = CLEAR.map((e) => ({
      ...e,
      method: `inverted ${e.method}`,
      mean: e.model === "vit" ? { insertion: 0.65, deletion: 0.15 } : { insertion: 0.1, deletion: 0.9 },
    }));
    const level = random.map((e) => ({ ...e, mean: { insertion: 0.5, deletion: 0.3 } }));
    const { warnings, comparisons } = analyse(
      syntheticStudy([
        ...rowsOf("pbc", 25, CLEAR),
        ...rowsOf("pbc", 25, level),
        ...rowsOf("pbc", 25, upside),
      ]),
    );
    expect(warnings).toContain(
      "On PBC by Insertion and Deletion, not significantly better than random maps: VIT with cam and VIT with rollout.",
    );
    expect(warnings).toContain(
      "On PBC by Insertion and Deletion, significantly worse than the same maps turned upside down: VIT with cam and VIT with rollout.",
    );
    const pairs = comparisons.filter((c) => c.kind === "controls" && c.metric === "insertion");
    expect(pairs.map((c) => `${c.a.model} ${c.a.method} / ${c.b.method}`)).toEqual([
      "vit cam / random",
      "vit cam / inverted cam",
      "vit rollout / random",
      "vit rollout / inverted rollout",
      "dino cam / random",
      "dino cam / inverted cam",
      "dino rollout / random",
      "dino rollout / inverted rollout",
    ]);
  });
});

describe("what is asked of the rows", () => {
  it("is that those of one cell group come together", () => {
    const rows = rowsOf("pbc", 3, CLEAR);
    expect(() => analyse(syntheticStudy([...rows, ...rows.slice(0, 1)]))).toThrow(
      "the scores of vit with cam on pbc by insertion do not come one after the other",
    );
  });
  it("is that they are of the study's images", () => {
    const study = syntheticStudy(rowsOf("pbc", 3, CLEAR));
    const [first] = study.rows();
    const stray = first === undefined ? [] : [{ ...first, image: "stray.png" }];
    expect(() => analyse({ ...study, rows: () => stray })).toThrow("stray.png, which is no image of pbc");
  });
  it("and the same rows give the same analysis, to the last digit", () => {
    const rows = rowsOf("pbc", 12, CLEAR, 0.3);
    expect(JSON.stringify(analyse(syntheticStudy(rows)))).toBe(JSON.stringify(analyse(syntheticStudy(rows))));
  });
});

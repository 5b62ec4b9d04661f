import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { syntheticStudy } from "../../analysis/testing/synthetic.js";
import type { StoredStudy } from "../../run/types.js";
import { writeResults } from "./write-results.js";

const MEANS = { "grad-cam": 0.7, rollout: 0.5, random: 0.3 } as const;

/** Twelve images, two models, two methods and a control; one score is undefined. */
const study = syntheticStudy(
  ["vit", "dino"].flatMap((model) =>
    (["grad-cam", "rollout", "random"] as const).flatMap((method) =>
      ["insertion", "deletion"].flatMap((metric) =>
        Array.from({ length: 12 }, (_, i) => ({
          dataset: "pbc",
          model,
          method,
          metric,
          image: `a_${i}.png`,
          label: i % 2 === 0 ? "mono" : "lympho",
          predicted: "mono",
          group: i < 4 ? `patient ${i % 2}` : null,
          score:
            i === 5 && model === "vit" && metric === "insertion"
              ? null
              : Math.abs((metric === "deletion" ? 1 : 0) - MEANS[method] - (model === "dino" ? 0.2 : 0)) +
                i / 997,
        })),
      ),
    ),
  ),
);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "results-"));
  await writeResults(folder, study);
});
afterAll(() => rm(folder, { recursive: true }));

const read = (name: string): Promise<string> => readFile(join(folder, name), "utf8");

describe("scores.parquet", () => {
  it("holds every row with its curve, undefined scores with their reason", async () => {
    const file = await asyncBufferFromFile(join(folder, "scores.parquet"));
    const found = await parquetReadObjects({ file });
    const rows = [...study.rows()];
    expect(found).toHaveLength(144);
    expect(found).toEqual(
      rows.map((r) => ({
        dataset: r.dataset,
        model: r.model,
        method: r.method,
        control: r.control,
        metric: r.metric,
        image: r.image,
        image_sha256: r.imageSha256,
        image_group: r.group,
        label: r.label,
        predicted: r.predicted,
        correct: r.correct,
        class: r.class,
        probability: r.probability,
        score: r.score,
        reason: r.reason,
        cell: r.cell,
        curve: r.curve,
      })),
    );
    expect(found.filter((r) => r.score === null)).toHaveLength(3);
  });

  it("says who wrote it, and lets only what may be missing be null", async () => {
    const { created_by, schema } = await parquetMetadataAsync(
      await asyncBufferFromFile(join(folder, "scores.parquet")),
    );
    expect(created_by).toMatch(/^vitreous version \d/);
    expect(schema.filter((s) => s.repetition_type === "OPTIONAL").map((s) => s.name)).toEqual([
      "image_group",
      "label",
      "correct",
      "score",
      "reason",
    ]);
  });

  it("takes more rows than are held at once", async () => {
    const out = await mkdtemp(join(tmpdir(), "results-"));
    const [first] = study.rows();
    const images = Array.from({ length: 5000 }, (_, i) => ({
      name: `${i}`,
      path: "",
      sha256: "",
      label: null,
      group: null,
    }));
    const [dataset] = study.datasets;
    if (first === undefined || dataset === undefined) throw new Error("the synthetic study has rows");
    const many: StoredStudy = {
      ...study,
      datasets: [{ ...dataset, images }],
      declaration: { ...study.declaration, statistics: { ...study.declaration.statistics, resamples: 10 } },
      rows: function* () {
        for (const { name } of images) yield { ...first, image: name, curve: [Number(name), 1] };
      },
    };
    await writeResults(out, many);
    const file = await asyncBufferFromFile(join(out, "scores.parquet"));
    expect((await parquetMetadataAsync(file)).row_groups.map((g) => Number(g.num_rows))).toEqual([4096, 904]);
    const curves = await parquetReadObjects({ file, columns: ["curve"], rowStart: 4095, rowEnd: 4097 });
    expect(curves).toEqual([{ curve: [4095, 1] }, { curve: [4096, 1] }]);
    expect((await readFile(join(out, "scores.csv"), "utf8")).split("\n")).toHaveLength(5002);
    await rm(out, { recursive: true });
  });
});

describe("scores.csv", () => {
  it("has a line for each row, empty where nothing is defined", async () => {
    const lines = (await read("scores.csv")).trimEnd().split("\n");
    expect(lines).toHaveLength(145);
    expect(lines[0]).toBe(
      "dataset,model,method,control,metric,image,image_sha256,image_group,label,predicted,correct,class,probability,score,reason,cell",
    );
    expect(lines[6]).toBe(
      `pbc,vit,grad-cam,false,insertion,a_5.png,sha256 of a_5.png,,lympho,mono,false,mono,0.8,,the class has no probability,${"0".repeat(64)}`,
    );
  });
});

describe("tables", () => {
  it("come in three forms each", async () => {
    const names = ["accuracy", "agreement", "comparisons", "faithfulness", "rankings"];
    expect((await readdir(join(folder, "tables"))).toSorted()).toEqual(
      names.flatMap((name) => [`${name}.csv`, `${name}.md`, `${name}.tex`]),
    );
  });

  it("set in bold what is significantly better than all others, in Markdown", async () => {
    const lines = (await read("tables/faithfulness.md")).split("\n");
    expect(lines[0]).toBe("**A study: faithfulness of explanations**");
    expect(lines[2]).toBe(
      "| Model | Method | PBC: Accuracy | PBC: Insertion ↑ | PBC: Deletion ↓ | PBC: Insertion − Deletion ↑ |",
    );
    const row = (start: string) => lines.find((l) => l.startsWith(start));
    expect(row("| DINO | grad-cam")).toMatch(
      /^\| DINO \| grad-cam \| 0\.500 \\\[0\.\d{3}, 0\.\d{3}\\\] \| \*\*0\.906\*\* \\\[0\.90\d, 0\.9\d\d\\\] \|/,
    );
    expect(row("| VIT | rollout")).not.toContain("**");
    expect(lines).toContain("| *Controls* |  |  |  |  |  |");
    expect(row("| DINO | random")).not.toMatch(/\*\*|†/);
  });

  it("are LaTeX that says which packages it needs, names escaped, intervals below their numbers", async () => {
    const text = await read("tables/faithfulness.tex");
    expect(text).toContain("\\begin{tabular}{@{}llrrrr@{}}");
    expect(text).toContain("\\multicolumn{2}{l}{} & \\multicolumn{4}{c}{PBC} \\\\\n\\cmidrule(lr){3-6}");
    expect(text).toContain("Insertion $\\uparrow$ & Deletion $\\downarrow$");
    expect(text).toMatch(
      /DINO & grad-cam & .* & \\textbf\{0\.906\} .*\\\\\*\[-2pt\]\n & {2}& {\\scriptsize \[/,
    );
    expect(text.split("\n")[0]).toBe("% \\usepackage{booktabs,graphicx}");
    const comparisons = await read("tables/comparisons.tex");
    expect(comparisons).toMatch(/^% \\usepackage\{booktabs,longtable\}[\s\S]*\\begin\{longtable\}/);
    expect(comparisons).toContain("\\emph{Two methods on one model: PBC, Insertion}} \\\\*");
    expect(comparisons).toMatch(/\n\\raggedright \S.* with grad-cam\}? & \\raggedright .* & 9 & /);
    expect(text).toContain("\\emph{Controls}");
    expect(text.match(/(?<!\\)[%](?! \\usepackage|\n)/g)).toBeNull();
  });

  it("keep every digit in CSV", async () => {
    const analysis = await writeResults(folder, study);
    const lines = (await read("tables/faithfulness.csv")).trimEnd().split("\n");
    expect(lines).toHaveLength(1 + analysis.cells.length);
    const [cell] = analysis.cells;
    expect(lines[1]?.split(",").slice(0, 10)).toEqual(
      ["pbc", "insertion", "higher", "vit", "grad-cam", "false", 11, 9, 1, cell?.score.mean].map(String),
    );
    expect(
      (await read("tables/comparisons.csv"))
        .split("\n")[1]
        ?.startsWith("methods,pbc,insertion,vit,grad-cam,vit,rollout,11,9,"),
    ).toBe(true);
  });
});

describe("what is written", () => {
  it("is the same to the byte when it is written again", async () => {
    const names = [
      "scores.parquet",
      "scores.csv",
      ...(await readdir(join(folder, "tables"))).map((n) => join("tables", n)),
    ];
    const before = await Promise.all(names.map((n) => readFile(join(folder, n))));
    await writeResults(folder, study);
    const after = await Promise.all(names.map((n) => readFile(join(folder, n))));
    expect(after.map((bytes, i) => bytes.equals(before[i] ?? Buffer.alloc(0)))).toEqual(
      names.map(() => true),
    );
  });

  it("stays as it was when rows cannot be read to their end", async () => {
    const before = await read("scores.csv");
    const broken: StoredStudy = {
      ...study,
      rows: function* () {
        yield* [...study.rows()].slice(0, 30);
        throw new Error("a damaged cell");
      },
    };
    await expect(writeResults(folder, broken)).rejects.toThrow("a damaged cell");
    expect(await read("scores.csv")).toBe(before);
    expect((await readdir(folder)).toSorted()).toEqual(["scores.csv", "scores.parquet", "tables"]);
  });

  it("is refused in words where a file is in the way", async () => {
    const out = await mkdtemp(join(tmpdir(), "results-"));
    await writeFile(join(out, "tables"), "");
    await expect(writeResults(out, study)).rejects.toThrow("a file is in the way where a folder should be");
    await rm(out, { recursive: true });
  });

  it.skipIf(process.getuid?.() === 0)("is refused in words where nothing may be written", async () => {
    const out = await mkdtemp(join(tmpdir(), "results-"));
    await mkdir(join(out, "tables"));
    await chmod(out, 0o500);
    await expect(writeResults(out, study)).rejects.toThrow("permission is denied");
    await rm(out, { recursive: true });
  });
});

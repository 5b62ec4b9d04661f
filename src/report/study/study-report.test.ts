import { createHash } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { analyse } from "../../study/analysis/analyse.js";
import type { StoredStudy } from "../../study/run/types.js";
import { studyFigures } from "./figures/study-figures.js";
import { shownCollector } from "./node/collect-shown.js";
import { SCRIPT, SCRIPT_HASH } from "./script.js";
import { studyReport } from "./study-report.js";
import { drawnImages, drawnStudy } from "./testing/reported-study.js";

const small = (more: Partial<Parameters<typeof drawnStudy>[0]> = {}): StoredStudy =>
  drawnStudy({
    images: { pbc: drawnImages(["mono", "lympho"], 8) },
    models: { vit: 0.1, dino: 0.7 },
    methods: { "grad-cam": 0.2, rollout: 0.4 },
    ...more,
  });

async function pageOf(study: StoredStudy): Promise<string> {
  const shown = shownCollector(study);
  for (const row of study.rows()) shown.add(row);
  const analysis = analyse(study);
  const report = { analysis, study, version: "1.2.3", ...(await shown.finish()) };
  return studyReport(report, studyFigures(analysis));
}

const NONE = /NaN|Infinity|="undefined|>undefined[^<]|\[object/;
const textOf = (html: string): string => html.replace(/data:[^"]+/g, "").replace(">undefined</th>", "");

let page: string;
beforeAll(async () => {
  page = await pageOf(small());
});

describe("the report of a study", () => {
  it("begins with the question and the answer, and ends with every setting", () => {
    const at = ["Which model and which method", 'class="found"', 'id="answer"', 'id="table"', 'id="curves"'];
    const rest = [
      "images",
      "ranks",
      "gallery",
      "wrong",
      "controls",
      "accuracy",
      "tests",
      "origins",
      "settings",
    ];
    const places = [...at, ...rest.map((id) => `<section id="${id}"`)].map((text) => page.indexOf(text));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  it("leads each number of the table to the stored results that it is of", () => {
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(links.filter((id) => id?.startsWith("from-"))).toHaveLength(2 * 7 * 3);
    for (const link of links) expect(ids).toContain(link);
    expect(page).toMatch(/WHERE dataset = &#39;pbc&#39; AND model = /);
  });

  it("shows the gallery and the mistakes with true and predicted class, maps and curves", () => {
    expect(page.match(/<article class="card shown">/g)?.length).toBeGreaterThanOrEqual(3);
    expect(page).toMatch(/took it for <b>(mono|lympho)<\/b>/);
    expect(page).toMatch(/it is <b>(mono|lympho)<\/b>/);
    expect(page).toContain('aria-label="Insertion curves of');
  });

  it("lays a mistake's two classes beside each other: maps, their difference, and a curve for each", () => {
    const [, section = ""] = /<section id="wrong"([\s\S]*?)<section id="controls"/.exec(page) ?? [];
    expect(section).toMatch(/<span>taken for<\/span><b>(mono|lympho)<\/b>/);
    expect(section).toMatch(/<span>true class<\/span><b>(mono|lympho)<\/b>/);
    const cases = section.match(/<section class="case">/g)?.length ?? 0;
    expect(cases).toBeGreaterThan(0);
    // Two methods: three layers each, and a line for each class in the figures of two metrics.
    expect(section.match(/class="heat"/g)).toHaveLength(cases * 2 * 3);
    expect(section.match(/<svg /g)).toHaveLength(cases * 2);
    expect(section.match(/stroke-dasharray="5,4"/g)).toHaveLength(cases * 2);
    expect(section).toContain("more for what it is");
  });

  it("shows a mistake by the study's own class where the other was not computed", async () => {
    const other = await pageOf({ ...small(), mistakes: () => [] });
    expect(other).toContain("maps and curves are of");
    expect(other).not.toContain("more for what it is");
  });

  it("is one file: it fetches nothing and runs nothing but its own script", () => {
    expect(page).not.toMatch(/<link|@import|url\(|<iframe|<object|\bon\w+="|(src|href)="(?!data:|#)/);
    expect(page).not.toMatch(/https?:(?!\/\/www\.w3\.org\/2000\/svg")/);
    const [policy = ""] = /Content-Security-Policy" content="([^"]+)"/.exec(page)?.slice(1) ?? [];
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src '${SCRIPT_HASH}'`);
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, text]) => text ?? "");
    expect(scripts).toEqual([SCRIPT]);
    expect(SCRIPT_HASH).toBe(`sha256-${createHash("sha256").update(SCRIPT).digest("base64")}`);
  });

  it("can be used without script, by keys and by screen readers", () => {
    expect(page.match(/class="veil" hidden/g)?.length).toBeGreaterThanOrEqual(1);
    for (const [figure] of page.matchAll(/<div role="img"[^>]*>/g)) expect(figure).toMatch(/aria-label="\S/);
    for (const [picture] of page.matchAll(/<img [^>]*>/g)) expect(picture).toContain("alt=");
    for (const [region] of page.matchAll(/<div class="(scroll|over)"[^>]*>/g))
      expect(region).toMatch(/aria-label="[^"]+" tabindex="0"/);
    expect(page).toMatch(/<html lang="en">/);
    expect(page).toContain('class="skip" href="#answer"');
  });

  it("tells nothing of the folders of the machine", () => {
    expect(page).not.toContain("/home/me");
    expect(page).toContain("pbc-vit");
  });

  it("holds no number that is none", () => {
    expect(textOf(page)).not.toMatch(NONE);
  });

  it("is the same for the same study", async () => {
    expect(await pageOf(small())).toBe(page);
  });

  it("says so where a picture is gone, and shows its maps all the same", () => {
    expect(page).toContain("The image is not shown: ");
    expect(page.match(/class="heat"/g)?.length).toBeGreaterThan(4);
  });

  it("says what is not finished, failed or undefined", async () => {
    const study = small();
    const failure = {
      dataset: "pbc",
      image: "x.png",
      model: null,
      method: null,
      reason: "/home/me/x.png is empty",
    };
    const rows = [...study.rows()].map((r, i) =>
      i === 0 ? { ...r, score: null, reason: "no gradient", curve: [] } : r,
    );
    const other = await pageOf({ ...study, complete: false, failures: [failure], rows: () => rows });
    expect(other).toContain("not finished");
    expect(other).toContain('<td class="text">x.png is empty</td>');
    expect(other).toContain("no gradient: 1");
  });

  it("does without labels, controls and mistakes", async () => {
    const study = small({ controls: false });
    const plain = await pageOf({
      ...study,
      datasets: study.datasets.map((d) => ({
        ...d,
        classes: [],
        images: d.images.map((i) => ({ ...i, label: null })),
      })),
      rows: () => [...study.rows()].map((r) => ({ ...r, label: null, correct: null })),
      predictions: () => [...study.predictions()].map((p) => ({ ...p, label: null, correct: null })),
    });
    expect(plain).not.toMatch(/<section id="(wrong|controls)"/);
    expect(plain).toContain("no label");
    expect(textOf(plain)).not.toMatch(NONE);
  });

  it("is safe with any title, class or file name", async () => {
    const nasty = `<img src=x onerror="alert(1)">'&</script>`;
    const images = drawnImages(["a", nasty], 4).map((i) => ({ ...i, name: `${nasty}/${i.name}` }));
    const other = await pageOf(
      small({ title: nasty, images: { pbc: images }, models: { [nasty]: 0.1, dino: 0.5 } }),
    );
    expect(other).not.toContain("<img src=x");
    expect(other).not.toMatch(/onerror="/);
    expect(other.match(/<\/script>/g)).toHaveLength(1);
  });
});

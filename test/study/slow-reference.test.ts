import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { uniform } from "../../src/random.js";
import { analyse } from "../../src/study/analysis/analyse.js";
import { readStudy } from "../../src/study/node/read-study.js";
import { runStudy } from "../../src/study/node/run-study.js";
import { smallModel, smallStudy } from "../../src/study/node/testing/small-study.js";
import type { ScoreRow } from "../../src/study/types.js";
import * as slow from "./slow-reference.js";
import { readSwin, swinGradCam, swinRollout } from "./slow-swin.js";

const SIDE = 16;
const IMAGES = 3;
const checkpointOf = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/checkpoints/transformers-${name}/checkpoint`, import.meta.url));

const folder = await mkdtemp(join(tmpdir(), "vitreous-reference-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Blobs of colour at the model's own size, so that nothing is resized. */
const pictures = Array.from({ length: IMAGES }, (_, image) => {
  const next = uniform(100 + image);
  const waves = Array.from({ length: 9 }, () => next() * 2);
  return Array.from({ length: SIDE * SIDE * 3 }, (_, i) => {
    const [y, x, c] = [Math.floor(i / 3 / SIDE), Math.floor(i / 3) % SIDE, i % 3];
    const wave = Math.sin((waves[c] ?? 0) * y) + Math.cos((waves[c + 3] ?? 0) * x + (waves[c + 6] ?? 0) * y);
    return Math.round(Math.min(255, Math.max(0, 128 + 50 * wave + 30 * (next() - 0.5))));
  });
});

interface Wanted {
  readonly auc: number;
  readonly curve: readonly number[];
  readonly probability: number;
}

type Explain = (x: number[], c: number) => number[];

/** Maps on the grid, as they are enlarged. */
function vit(name: string): {
  readonly model: slow.Classifier;
  readonly cam: Explain;
  readonly rollout: Explain;
} {
  const model = slow.readModel(checkpointOf(name));
  return {
    model,
    cam: (x, c) => slow.gradCam(model, x, c),
    rollout: (x, c) => slow.overMax(slow.gradientRollout(model, x, c)),
  };
}

function swin(name: string): ReturnType<typeof vit> {
  const model = readSwin(checkpointOf(name));
  return { model, cam: (x, c) => swinGradCam(model, x, c), rollout: (x, c) => swinRollout(model, x, c) };
}

/** By "method metric image". */
function slowly(
  { model, cam, rollout }: ReturnType<typeof vit>,
  images: number,
): ReadonlyMap<string, Wanted> {
  return new Map(
    pictures.slice(0, images).flatMap((pixels, image) => {
      const x = slow.normalise(pixels);
      const probabilities = slow.softmax(model.forward(x).logits);
      const probability = Math.max(...probabilities);
      const c = probabilities.indexOf(probability);
      const maps = {
        "grad-cam": slow.minMax(slow.enlarge(slow.minMax(cam(x, c)), SIDE)),
        "gradient-rollout": slow.enlarge(rollout(x, c), SIDE),
      };
      const nothing = x.map(() => 0);
      return Object.entries(maps).flatMap(([method, map]): [string, Wanted][] => [
        [
          `${method} insertion image-${image}.png`,
          { ...slow.perturbation(model, map, c, slow.blur(x, SIDE), x), probability },
        ],
        [
          `${method} deletion image-${image}.png`,
          { ...slow.perturbation(model, map, c, x, nothing), probability },
        ],
      ]);
    }),
  );
}

describe("a study and a slow reference that shares no code with it", () => {
  // A Swin's windows have many more numbers to differ by: one image of it takes as long as several of a ViT.
  it.each([
    ["a ViT", "vitforimageclassification-plain", vit, IMAGES],
    ["a Swin", "swinforimageclassification-plain", swin, 1],
  ] as const)(
    "agree on every point of every curve, every score and every mean of the table to 1e-6: %s",
    async (_, name, read, count) => {
      const images = join(folder, name, "LABEL_0");
      await mkdir(images, { recursive: true });
      for (const [i, pixels] of pictures.slice(0, count).entries()) {
        const raw = { width: SIDE, height: SIDE, channels: 3 } as const;
        await sharp(Uint8Array.from(pixels), { raw })
          .png()
          .toFile(join(images, `image-${i}.png`));
      }
      const work = await smallStudy(join(folder, name), { models: [smallModel("model", "noise", name)] });
      const out = join(folder, `${name}-out`);
      await runStudy(work, { out });
      const study = readStudy(out);
      const rows: readonly ScoreRow[] = [...study.rows()];
      const wanted = slowly(read(name), count);
      expect(rows).toHaveLength(wanted.size);
      let worst = 0;
      for (const row of rows) {
        const found = wanted.get(`${row.method} ${row.metric} ${row.image.split("/").at(-1)}`);
        if (found === undefined) throw new Error(`${row.image} is not in the reference`);
        const differences = [
          (row.score ?? Number.NaN) - found.auc,
          row.probability - found.probability,
          ...row.curve.map((p, i) => p - (found.curve[i] ?? Number.NaN)),
        ];
        expect(row.curve).toHaveLength(SIDE + 1);
        worst = Math.max(worst, ...differences.map(Math.abs));
      }
      expect(worst).toBeLessThan(1e-6);
      const measured = analyse(study).cells.filter((cell) => cell.curve !== null);
      expect(measured).toHaveLength(4);
      for (const { method, metric, score } of measured) {
        const areas = [...wanted].flatMap(([key, { auc }]) =>
          key.startsWith(`${method} ${metric} `) ? [auc] : [],
        );
        const mean = areas.reduce((a, b) => a + b, 0) / areas.length;
        expect(Math.abs((score.mean ?? Number.NaN) - mean)).toBeLessThan(1e-6);
      }
    },
    300_000,
  );
});

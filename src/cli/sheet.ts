/** @file The contact sheet of an evaluation: pictures are drawn as results come, so that no tensors are kept for it. */

import type { NodeModel } from "../api/node/node-model.js";
import { topPredictions } from "../api/prediction.js";
import type { ScoredImage } from "../api/types.js";
import { minMax } from "../explain/map.js";
import { colorStops } from "../imaging/colormap.js";
import { overlayPng, rgbPng } from "../imaging/node/png.js";
import { contactSheet, type SheetImage } from "../report/contact-sheet.js";
import { plural, shortNames } from "./format.js";
import { pairScores, type ScoredSubject } from "./results.js";
import type { SummaryRow } from "./summary.js";

/** More would make a page that no browser likes. */
const MOST_IMAGES = 60;

export interface SheetBuilder {
  add(subject: ScoredSubject, scored: ScoredImage, metrics: readonly string[]): Promise<void>;
  html(summary: readonly SummaryRow[], facts: readonly string[]): Promise<string>;
}

export function sheetBuilder(model: NodeModel, methods: readonly string[]): SheetBuilder {
  const images: SheetImage[] = [];
  let left = 0;
  const { labels } = model.facts;
  return {
    async add(subject, scored, metrics) {
      const { image, candidates } = subject;
      if (image.display === undefined) return;
      if (images.length >= MOST_IMAGES) {
        left++;
        return;
      }
      const picture = await rgbPng(image.display);
      const maps = [];
      for (const { method, values } of candidates.filter((c) => !c.control)) {
        const png = await overlayPng(image.display, minMax(values), { bare: true });
        maps.push({ method, picture: dataUri(png) });
      }
      const pairs = pairScores(subject, scored, metrics);
      const target = pairs[0]?.score.class ?? 0;
      images.push({
        name: image.name,
        ...(image.label === undefined ? {} : { label: labels[image.label] ?? String(image.label) }),
        target: labels[target] ?? String(target),
        predictions: topPredictions(scored.logits, labels),
        picture: dataUri(picture),
        maps,
        scores: pairs.map(({ candidate, metric, score }) => ({
          method: candidate.of === undefined ? candidate.method : `${candidate.method} ${candidate.of}`,
          metric,
          auc: score.auc,
          curve: score.curve,
          control: candidate.control,
        })),
      });
    },
    async html(summary, facts) {
      const names = shortNames(images.map((i) => i.name));
      return contactSheet({
        title: "What the model looks at, and how faithful the maps are",
        facts: [...facts, plural(images.length + left, "image")],
        images: images.map((image, i) => ({ ...image, name: names[i] ?? image.name })),
        colors: colorStops("inferno"),
        summary: summary.map(({ method, of, ...row }) => ({
          ...row,
          method: of === undefined ? method : `${method} ${of}`,
        })),
        notes: [
          `Maps: ${methods.join(", ") || "made elsewhere"}. Each is scaled to [0, 1] on its own; brighter is more important.`,
          "Insertion starts from a blurred image and puts back the most important pixels first: a high curve means the map found what the model uses. Deletion starts from the image and takes them away: a low curve is good. Scores mean something only beside the controls (random, centre, edge and inverted maps).",
          ...(left > 0 ? [`${left} more images are in results.json and not on this page.`] : []),
        ],
      });
    },
  };
}

const dataUri = (png: Uint8Array): string => `data:image/png;base64,${Buffer.from(png).toString("base64")}`;

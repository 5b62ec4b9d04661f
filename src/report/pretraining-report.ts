/**
 * @file One self-contained page about a pretrained backbone: how the loss went, and how well classes can be told apart by
 * its features, where the images have labels.
 */
import type { FinalEvaluation, PretrainingReport, QuickEvaluation } from "../training/dino/run/record.js";
import type { Scores } from "../training/metrics/scores.js";
import { type Html, html, raw } from "./html.js";
import { scrolled } from "./parts.js";
import { classTable, linesFigure, scoreCell, trainingPage } from "./training-page.js";

export function pretrainingReport({
  title,
  facts,
  before,
  curve,
  evaluation,
  notes,
}: PretrainingReport): string {
  const evaluated = before !== undefined || curve.some((e) => e.evaluation !== undefined);
  return trainingPage({
    title,
    facts,
    notes,
    body: html`<div class="grid">
${evaluation === undefined ? raw("") : scoreSections(evaluation)}
<section class="wide"><h2>Training</h2><div class="row">${linesFigure({
      lines: [{ name: "loss", values: curve.map((e) => e.train.loss) }],
      share: false,
    })}${linesFigure({
      lines: [{ name: "entropy of the teacher (nats)", values: curve.map((e) => e.train.teacherEntropy) }],
      share: false,
    })}${evaluated ? features(before, curve) : raw("")}</div>
<p class="said">The loss compares two networks that both change, and need not fall as the features get better. An entropy near 0, or near that of all prototypes alike, says that training has collapsed.</p></section>
</div>`,
  });
}

/** From epoch 0: the features before the first step. */
function features(before: QuickEvaluation | undefined, curve: PretrainingReport["curve"]): Html {
  const all = [before, ...curve.map((e) => e.evaluation)];
  return linesFigure({
    lines: [
      { name: "k-NN, validation accuracy", values: all.map((e) => e?.knn.accuracy) },
      { name: "linear, validation accuracy", values: all.map((e) => e?.linear.accuracy) },
    ],
    first: 0,
    share: true,
  });
}

function scoreSections({ knn, linear }: FinalEvaluation): Html {
  return html`<section><h2>Features</h2>${scrolled(
    "Features",
    overall([
      ["k-NN", knn],
      ["linear layer", linear],
    ]),
  )}</section>
<section><h2>Classes (linear layer, test images)</h2>${scrolled("Classes", classTable(linear.test.classes))}</section>`;
}

function overall(
  kinds: readonly (readonly [string, { readonly validation: Scores; readonly test: Scores }])[],
): Html {
  const rows = kinds.flatMap(([name, { validation, test }]) => [
    html`<tr><th scope="row">${name}, accuracy</th>${scoreCell(test.accuracy)}${scoreCell(validation.accuracy)}</tr>`,
    html`<tr><th scope="row">${name}, balanced accuracy</th>${scoreCell(test.balancedAccuracy)}${scoreCell(validation.balancedAccuracy)}</tr>`,
  ]);
  const [first] = kinds;
  return html`<table>
<caption>With 95% intervals. The backbone was trained without labels; the classifiers on it with those of the training images. The validation images chose the linear layer's weight decay; the test images were used once.</caption>
<thead><tr><td></td><th scope="col">test <small>${first?.[1].test.images ?? 0} images</small></th><th scope="col">validation <small>${first?.[1].validation.images ?? 0} images</small></th></tr></thead>
<tbody>${rows}</tbody>
</table>`;
}

/** @file The card of a bundled model: what it is, how it was made, how good it is and what it must not be used for. */

/** @typedef {import("./recipes.js").Recipe} Recipe */
/** @typedef {import("../../src/training/run/record.js").TrainingRecord} Record */
/** @typedef {import("../../src/training/metrics/scores.js").Score} Score */

const DATA = {
  pbc: {
    title:
      "peripheral blood cells (PBC; 13,673 of the 17,092 published images, the shorter side resized to 192 pixels)",
    source:
      'A. Acevedo, A. Merino, S. Alférez, Á. Molina, L. Boldú, J. Rodellar, "A dataset of microscopic peripheral blood cell images for development of automatic recognition systems", Data in Brief 30 (2020) 105474, [doi:10.1016/j.dib.2020.105474](https://doi.org/10.1016/j.dib.2020.105474), [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/)',
    limits: [
      "One laboratory, one analyser (CellaVision DM96), one stain, healthy donors: cells of other devices, stains or patients with disease are outside of what it was tested on.",
      "The images do not say whom they are of: cells of one person are in training and test, so that the scores are higher than for new people.",
      "One of the test images (EO_246684) shows the same cell as one that was trained on (EO_409717), as a search for images that look almost alike found afterwards.",
      "The cell is always in the centre. 453 images of the set have another size than the rest, and which ones is linked to the class: resizing hides this from the model only in part.",
    ],
  },
  busi: {
    title: "breast ultrasound (BUSI; 624 of the 780 published images, the longer side resized to 320 pixels)",
    source:
      'W. Al-Dhabyani, M. Gomaa, H. Khaled, A. Fahmy, "Dataset of breast ultrasound images", Data in Brief 28 (2020) 104863, [doi:10.1016/j.dib.2019.104863](https://doi.org/10.1016/j.dib.2019.104863), [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/) as MedMNIST states it (some mirrors say otherwise)',
    limits: [
      "One hospital, few devices, 624 images: the intervals are wide, and another split gives other figures.",
      "The near-duplicates that are published for the set are kept in one part of the split, and no test image looks almost like one that was trained on; but there are no patient numbers: images of one patient may be in training and test.",
      "Calipers and text are burnt into the images, more often where there is a lesion: the model may look at them. That is what this package is for: see where it looks.",
    ],
  },
};

const VIT_TINY =
  "timm's `vit_tiny_patch16_224.augreg_in21k_ft_in1k` (Steiner et al. 2021, [arXiv:2106.10270](https://arxiv.org/abs/2106.10270)), Apache-2.0.";

/** @param {number | undefined} value */
const percent = (value) => (value === undefined ? "–" : (100 * value).toFixed(1));

/** @param {Score} score */
const cell = ({ value, interval }) =>
  `${percent(value)} %${interval ? ` [${interval.map(percent).join(", ")}]` : ""}`;

/**
 * Markdown.
 *
 * @param {string} name
 * @param {Recipe} recipe
 * @param {Record} record of the last step
 */
export function card(name, recipe, record) {
  const data = DATA[recipe.data];
  const { test, classes, splits, settings, parameters } = record;
  const total = (/** @type {string} */ part) => (splits[part] ?? []).reduce((a, b) => a + b, 0);
  const [, height, width] = /** @type {readonly number[]} */ (settings.image);
  const steps = recipe.steps.map(({ command, options }) =>
    command === "swin-from-vit"
      ? `swinFromViT(${options.join(", ")})   # scripts/models/swin-from-vit.js`
      : `vitreous ${command} ${options.join(" ")}`,
  );
  return `---
license: apache-2.0
library_name: transformers
pipeline_tag: image-classification
tags: [medical, vision-transformer, not-for-clinical-use]
---
# ${name}: ${recipe.title}

A small model to develop, test and study explanations with. **Not for clinical use**: it must not be used to decide anything about a person.

${recipe.how} ${((parameters.trained + parameters.frozen) / 1e6).toFixed(1)} million parameters, stored as float16; images of ${height}×${width}; classes: ${classes.join(", ")}.

## Made from
- Images: ${data.title}: ${total("train")} to train, ${total("validation")} to choose the epoch, ${total("test")} to test, published groups of near-duplicates and files with the same bytes in one part. ${data.source}.
- Weights: ${recipe.weights ?? VIT_TINY}

## Made by
\`npm run model -- ${name} --data DIR${recipe.steps.some(({ options }) => options.includes("{cells}")) ? " --cells PBC" : ""}\`, which runs
\`\`\`
${steps.join("\n")}
\`\`\`
All settings and the curve are in training.json.

## Scores
On ${test.images} test images that had no part in training or in choosing, of the weights as they are stored, computed once; intervals: ${record.intervals}.

| score | value |
|---|---|
| accuracy | ${cell(test.accuracy)} |
| balanced accuracy | ${cell(test.balancedAccuracy)} |
| macro F1 | ${cell(test.macroF1)} |
| expected calibration error | ${cell(test.calibrationError)} |
${test.classes.map(({ label, recall }) => `| recall, ${label} | ${cell(recall)} |`).join("\n")}

## Limits
${data.limits.map((text) => `- ${text}`).join("\n")}

## Licence
Apache-2.0 (the weights, as those they were made from). The images stay their authors'; cite them when you publish what you found with this model.
`;
}

/**
 * @file How each bundled model is made, as the commands that make it: nothing was done by hand between them. `{data}`
 * is the data set, `{weights}` timm's ViT-Tiny, `{step-1}` what the first step left, `{pbc-vit}` a bundled model and
 * `{pbc-vit/1}` what the first step to it left, `{blood-cells.json}` a file beside this one.
 */

/**
 * @typedef {object} Step
 * @property {"finetune" | "pretrain"} command
 * @property {readonly string[]} options everything behind `vitreous COMMAND`, but --out
 *
 * @typedef {object} Recipe
 * @property {"pbc" | "busi"} data
 * @property {string} title
 * @property {string} how for the model's card
 * @property {readonly Step[]} steps
 */

/** The same split in each step: what a model is tested on was in no step's training or choice. */
const CELL_SPLIT = words("--val 0.05 --test 0.15 --seed 0");
const CELLS = [...CELL_SPLIT, ...words("--augment {blood-cells.json}")];
const HALF = words("--precision float16");

/** @type {Readonly<Record<string, Recipe>>} */
export const RECIPES = {
  "pbc-vit": {
    data: "pbc",
    title: "ViT for peripheral blood cells",
    how: "The first 8 blocks of ViT-Tiny/16 (ImageNet-21k, then ImageNet-1k), fine-tuned at 160×160 and then at 224×224.",
    steps: [
      finetune("{weights} {data} --depth 8 --image-size 160x160 --epochs 3 --lr 2e-4", CELLS),
      finetune("{step-1} {data} --image-size 224x224 --epochs 2 --lr 1e-4", CELLS, HALF),
    ],
  },
  "pbc-deit": {
    data: "pbc",
    title: "DeiT for peripheral blood cells",
    how: "The first 6 blocks of ViT-Tiny/16 (ImageNet-21k, then ImageNet-1k) with a distillation token, distilled hard from pbc-vit, at 160×160 and then at 224×224.",
    steps: [
      // A teacher sees the student's pictures, at the student's size.
      finetune(
        "{weights} {data} --depth 6 --image-size 160x160 --teacher {pbc-vit/1} --epochs 1 --lr 2e-4",
        CELLS,
      ),
      finetune("{step-1} {data} --image-size 224x224 --teacher {pbc-vit} --epochs 1 --lr 1e-4", CELLS, HALF),
    ],
  },
};

/**
 * @param {string} command
 * @param {readonly string[][]} more
 * @returns {Step}
 */
function finetune(command, ...more) {
  return { command: "finetune", options: [...words(command), ...more.flat()] };
}

/** @param {string} text */
function words(text) {
  return text.split(" ");
}

/**
 * @file How each bundled model is made, as the commands that make it: nothing was done by hand between them. `{data}`
 * is the data set, `{weights}` timm's ViT-Tiny, `{step-1}` what the first step left, `{pbc-vit}` a bundled model and
 * `{pbc-vit/1}` what the first step to it left, `{blood-cells.json}` a file beside this one.
 */

/**
 * @typedef {object} Step
 * @property {"finetune" | "pretrain" | "swin-from-vit"} command the last is swin-from-vit.js, beside this file
 * @property {readonly string[]} options everything behind `vitreous COMMAND`, but --out
 *
 * @typedef {object} Recipe
 * @property {"pbc" | "busi"} data
 * @property {string} title
 * @property {string} how for the model's card
 * @property {string} [weights] that it began with, for the card, where not timm's ViT-Tiny
 * @property {readonly Step[]} steps
 */

/** The same split in each step: what a model is tested on was in no step's training or choice. */
const CELL_SPLIT = words("--val 0.05 --test 0.15 --seed 0 --near-duplicates ignore");
const CELLS = [...CELL_SPLIT, ...words("--augment {blood-cells.json}")];
const HALF = words("--precision float16");

/** The whole picture, squeezed: a lesion may lie at its edge. What fine-tuning changes is mild: a crop may lose it. */
const SCANS = words(
  "--val 0.1 --test 0.2 --seed 0 --near-duplicates ignore --preprocess {whole-picture.json} --augment {ultrasound.json} --ema 0.98",
);
const MILD = words("--epochs 10 --lr 1e-4 --drop-path 0.1");

const SOFTLY = words("--teacher {pbc-vit} --distill soft --distill-share 0.7 --temperature 2");

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
  "pbc-dino": {
    data: "pbc",
    title: "DINO for peripheral blood cells",
    how: "The first 6 blocks of ViT-Tiny/16 (ImageNet-21k, then ImageNet-1k), trained on by DINO on the training images without their labels, then fine-tuned at 160×160 and at 224×224.",
    steps: [
      pretrain(
        "{weights} {data} --depth 6 --image-size 128x128 --locals 4 --local-size 64x64 --epochs 1 --batch 32 --momentum 0.99 --right-angles --augment medical",
        CELL_SPLIT,
      ),
      finetune("{step-1} {data} --image-size 160x160 --epochs 2 --lr 2e-4", CELLS),
      finetune("{step-2} {data} --image-size 224x224 --epochs 1 --lr 1e-4", CELLS, HALF),
    ],
  },
  "pbc-swin": {
    data: "pbc",
    title: "Swin for peripheral blood cells",
    how: "A Swin of three stages (2, 4 and 2 blocks; patches of 8×8, windows of 7×7) from scratch, at first alone, then distilled softly from pbc-vit.",
    weights: "None: drawn at random. The teacher's are those of [pbc-vit](../pbc-vit/README.md).",
    steps: [
      finetune(
        "swin:patch_size=8,embed_dim=64,depths=2-4-2,num_heads=2-4-8,window_size=7,image_size=224 {data} --scratch --preprocess {centre.json} --epochs 4 --lr 1e-3",
        CELLS,
      ),
      finetune("{step-1} {data} --epochs 4 --lr 7e-4", SOFTLY, CELLS, HALF),
      finetune("{step-2} {data} --epochs 5 --lr 6e-4", SOFTLY, CELLS, HALF),
    ],
  },
  "busi-vit": {
    data: "busi",
    title: "ViT for breast ultrasound",
    how: "The first 8 blocks of ViT-Tiny/16 (ImageNet-21k, then ImageNet-1k), distilled softly from all 12 of them, fine-tuned (accuracy 82.4 % on the same test images).",
    steps: [
      finetune("{weights} {data} --mixup 0.2", MILD, SCANS, HALF),
      finetune(
        "{weights} {data} --depth 8 --teacher {step-1} --distill soft --distill-share 0.5 --temperature 2 --distill-token no",
        MILD,
        SCANS,
        HALF,
      ),
    ],
  },
  "busi-deit": {
    data: "busi",
    title: "DeiT for breast ultrasound",
    how: "The first 5 blocks of ViT-Tiny/16 (ImageNet-21k, then ImageNet-1k) with a distillation token, distilled hard from all 12 of them, fine-tuned.",
    steps: [finetune("{weights} {data} --depth 5 --teacher {busi-vit/1}", MILD, SCANS, HALF)],
  },
  "busi-dino": {
    data: "busi",
    title: "DINO for breast ultrasound",
    how: "The first 6 blocks of ViT-Tiny/16 (ImageNet-21k, then ImageNet-1k), trained on by DINO on the training images without their labels, then fine-tuned.",
    steps: [
      pretrain(
        "{weights} {data} --depth 6 --preprocess {whole-picture.json} --image-size 128x128 --locals 4 --local-size 64x64 --epochs 5 --batch 32 --momentum 0.99 --augment medical --val 0.1 --test 0.2 --seed 0 --near-duplicates ignore",
      ),
      finetune("{step-1} {data} --image-size 224x224 --mixup 0.2", MILD, SCANS, HALF),
    ],
  },
  "busi-swin": {
    data: "busi",
    title: "Swin for breast ultrasound",
    how: "A Swin of one stage (5 blocks, windows of 7×7 and shifts on 14×14 patches) that begins with the first blocks of ViT-Tiny/16 (ImageNet-21k, then ImageNet-1k), gets used to windows on blood cells for one epoch, and is distilled softly from busi-vit's own teacher. A Swin of several stages, from scratch or from pbc-swin, got no further than the largest class on so few images.",
    steps: [
      { command: "swin-from-vit", options: ["{weights}", "5"] },
      finetune(
        "{step-1} {cells} --preprocess {centre.json} --augment {blood-cells.json} --epochs 1 --lr 3e-4 --val 0.03 --test 0.03 --seed 0 --near-duplicates ignore",
      ),
      finetune(
        "{step-2} {data} --teacher {busi-vit/1} --distill soft --distill-share 0.5 --temperature 2 --mixup 0.2 --balanced --epochs 22 --lr 3e-4 --drop-path 0.1",
        SCANS,
        HALF,
      ),
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

/**
 * @param {string} command
 * @param {readonly string[][]} more
 * @returns {Step}
 */
function pretrain(command, ...more) {
  return { command: "pretrain", options: [...words(command), ...more.flat()] };
}

/** @param {string} text */
function words(text) {
  return text.split(" ");
}

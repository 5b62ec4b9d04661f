/**
 * @file What things cost here: explanations over a plain forward pass, a study over the forward passes in it and with
 * workers, training steps beside PyTorch's, and how long training waits for its images. Machines are noisy, so what is compared is run in
 * turns, and what counts are medians of paired ratios.
 *
 *     npm run bench -- [MODEL.onnx…] [--study MODEL]… [--training ARCHITECTURE]… [--pair CHECKPOINT=MODEL.onnx]…
 *         [--batch 1,8] [--rounds 9] [--threads 2] [--memory 1000]
 *         [--python PATH] [--images FOLDER]
 *
 * Without models, architectures and pairs: explanations and a study of the bundled ViT-Tiny, and training of ViT-Ti/16
 * and ViT-S/16. PyTorch is measured where --python or VITREOUS_PYTHON names a Python with torch and timm. A pair is a
 * checkpoint and the file exported from the same model: what is measured is a forward pass of the one over that of the
 * other. bench/export.py writes both, for ViT-B/16, ViT-Ti/16, DeiT-S/16 and Swin-T.
 */
import { parseArgs } from "node:util";
import { compareWithExport } from "./checkpoints.js";
import { explanationCosts, tableHead } from "./explanations.js";
import { studyCosts } from "./study.js";
import { compareTraining } from "./training.js";
import { showWaiting } from "./waiting.js";
import { workerGains } from "./workers.js";

/** Images of a training step. */
const TRAINED = 16;
/** Images of a study, and how often it is run in turns with its forward passes. */
const STUDIED = { images: 16, rounds: 3 };
/** Studies that workers share: each of them opens the model once, which so few images must not decide. */
const SHARED = { images: 32, rounds: 3 };
/** Steps that are watched for waiting. */
const WATCHED = 12;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: "string", default: "1,8" },
    rounds: { type: "string", default: "9" },
    threads: { type: "string" },
    memory: { type: "string", default: "0" },
    pair: { type: "string", multiple: true, default: [] },
    study: { type: "string", multiple: true, default: [] },
    training: { type: "string", multiple: true, default: [] },
    python: { type: "string", ...(process.env.VITREOUS_PYTHON && { default: process.env.VITREOUS_PYTHON }) },
    images: { type: "string" },
  },
});
const usual = positionals.length + values.pair.length + values.training.length + values.study.length === 0;
const models = usual ? ["assets/models/vit_tiny_patch16_224"] : positionals;
const studied = usual ? models : values.study;
const trained = usual ? ["vit_tiny_patch16_224", "vit_small_patch16_224"] : values.training;
const batches = values.batch.split(",").map(Number);
const rounds = Number(values.rounds);
const threads = values.threads === undefined ? {} : { threads: Number(values.threads) };

for (const pair of values.pair) await compareWithExport(pair, { batches, rounds, ...threads });

const rows = [];
for (const path of models) {
  rows.push(await explanationCosts(path, { batches, rounds, memory: Number(values.memory), ...threads }));
}
if (rows.length > 0) console.log(`\n${[tableHead(batches), ...rows].join("\n")}`);

for (const path of studied) {
  await studyCosts(path, { ...STUDIED, ...threads });
  await workerGains(path, SHARED);
}

const training = { batch: TRAINED, threads: threads.threads ?? 2 };
for (const architecture of trained) {
  await compareTraining(architecture, { ...training, rounds, python: values.python });
}
const [first] = trained;
if (first !== undefined) {
  await showWaiting(first, { ...training, steps: WATCHED, folder: values.images });
}

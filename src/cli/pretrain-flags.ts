/** @file The flags of `vitreous pretrain`: what each is called and says in the help, and what they come to as options. */
import type { Command } from "commander";
import { type PretrainOptions, pretrainOptions } from "../training/dino/run/options.js";
import { readAugmentation, refuseArch, stated, withFlags } from "./flag-words.js";
import { imageSize, type ModelOptions, seedNumber } from "./options.js";

/** As the command line gives them; those that are not named here are options under their own names. */
export interface PretrainFlags extends Omit<ModelOptions, "head" | "labels"> {
  readonly out: string;
  readonly augment: string;
  readonly rightAngles?: boolean;
  readonly locals?: string;
  readonly localSize?: readonly [number, number];
  readonly lr?: string;
  readonly minLr?: string;
  readonly scratch?: boolean;
  readonly val?: string;
}

export function withDino(command: Command): Command {
  return command
    .optionsGroup("Training:")
    .option("--epochs <n>", "times that each image is seen (default: 100)")
    .option("--batch <n>", "images of a step (default: 64)")
    .option("--lr <rate>", "AdamW's for 256 images a step, in proportion for others (default: 5e-4)")
    .option("--min-lr <rate>", "at the end (default: 1e-6)")
    .option("--warmup <epochs>", "epochs in which the learning rate rises from 0 (default: a tenth)")
    .option("--weight-decay <x>", "at the beginning (default: 0.04)")
    .option("--final-weight-decay <x>", "at the end (default: 0.4)")
    .option("--clip <norm>", "greatest norm of each tensor's gradient, 0 for any (default: 3)")
    .option("--freeze-last <epochs>", "epochs in which the head's last layer stays (default: 1)")
    .option("--drop-path <p>", "probability that the student's last block is skipped (default: 0.1)")
    .option("--scratch", "draw new weights: MODEL is only the architecture")
    .option("--depth <n>", "take only the model's first n blocks, for a smaller and faster one")
    .option("--seed <n>", "of the split, the order, the crops and the head", seedNumber, 0)
    .optionsGroup("Teacher and head:")
    .option("--momentum <x>", "what of the teacher stays at a step, at first (default: 0.996)")
    .option("--teacher-temperature <t>", "after its warm-up (default: 0.04)")
    .option("--warmup-teacher-temperature <t>", "at first (default: 0.04)")
    .option("--temperature-warmup <epochs>", "from one to the other (default: 0)")
    .option("--student-temperature <t>", "(default: 0.1)")
    .option("--centre-momentum <x>", "what of the centre stays at a step (default: 0.9)")
    .option("--prototypes <n>", "length of the head's output; 65536 as published (default: 4096)")
    .option("--hidden <n>", "width of the head's layers; 2048 as published (default: 512)")
    .option("--bottleneck <n>", "length of the vectors in front of its last layer (default: 256)")
    .option("--head-layers <n>", "layers in front of its last (default: 3)")
    .option("--no-norm-last", "let the lengths of the last layer's rows be trained");
}

export function withCrops(command: Command): Command {
  return command
    .optionsGroup("Images:")
    .option(
      "--augment <what>",
      "published: DINO's for photographs; medical: weaker colours, no greys, nothing inverted; or a .json file",
      "published",
    )
    .option(
      "--right-angles",
      "turn crops by right angles: where up and down mean nothing, as under a microscope",
    )
    .option("--locals <n>", "small crops of each image (default: 8)")
    .option(
      "--local-size <HxW>",
      "of small crops, in pixels (default: 96x96 for a model of 224x224, others in proportion)",
      imageSize,
    )
    .optionsGroup("Evaluation, where images have labels:")
    .option("--val <share>", "of the images, kept for evaluation (default: 0.1)")
    .option("--test <share>", "of the images, kept for evaluation at the end (default: 0.2)")
    .option("--evaluate-every <epochs>", "from one evaluation to the next (default: 1)")
    .option("--neighbours <k>", "of k-NN (default: 20)")
    .option("--neighbour-temperature <t>", "how much nearer ones count for more (default: 0.07)");
}

/** --augment's own words. */
const AUGMENTATIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  published: {},
  medical: {
    jitter: { brightness: 0.2, contrast: 0.2, saturation: 0.1, hue: 0.02 },
    greyscale: 0,
    solarize: 0,
  },
};

/** Options whose flag is no other spelling of their name. */
const FLAGS = { learningRate: "--lr", leastLearningRate: "--min-lr", validation: "--val" };

/** @throws UsageError naming the flag that is wrong */
export async function readPretrainOptions(flags: PretrainFlags): Promise<PretrainOptions> {
  refuseArch(flags);
  const { augment, rightAngles, locals, localSize, lr, minLr, val, ...rest } = flags;
  const { out: _, device, threads, arch, preprocess, imageSize: size, json, quiet, ...own } = rest;
  const crops = {
    ...(await readAugmentation(augment, AUGMENTATIONS)),
    ...stated({ rightAngles, locals, localSize }),
  };
  const options = stated({ ...own, learningRate: lr, leastLearningRate: minLr, validation: val });
  return withFlags(FLAGS, () => pretrainOptions({ ...options, crops }));
}

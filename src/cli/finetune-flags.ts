/** @file The flags of `vitreous finetune`: what each is called and says in the help. */
import type { Command } from "commander";
import { imageSize, type ModelOptions, seedNumber, withMachineOptions } from "./options.js";

/** As the command line gives them. */
export interface Flags extends Omit<ModelOptions, "head"> {
  readonly out: string;
  readonly epochs?: string;
  readonly batch?: string;
  readonly accumulate?: string;
  readonly lr?: string;
  readonly weightDecay?: string;
  readonly layerDecay?: string;
  readonly warmup?: string;
  readonly schedule?: string;
  readonly clip?: string;
  readonly ema?: string;
  readonly dropPath?: string;
  readonly dropout?: string;
  readonly freeze?: string;
  readonly depth?: string;
  readonly precision?: string;
  readonly scratch?: boolean;
  readonly teacher?: string;
  readonly distill?: string;
  readonly distillToken?: string;
  readonly distillShare?: string;
  readonly temperature?: string;
  readonly classWeights?: boolean;
  readonly balanced?: boolean;
  readonly augment: string;
  readonly labelSmoothing?: string;
  readonly imageSizes?: string;
  readonly mixup?: string;
  readonly cutmix?: string;
  readonly val?: string;
  readonly test?: string;
  readonly patience?: string;
  readonly seed: number;
}

export function withTraining(command: Command): Command {
  return command
    .optionsGroup("Training:")
    .option("--epochs <n>", "times that each image is seen (default: 10)")
    .option("--batch <n>", "images computed at once (default: 32)")
    .option("--accumulate <n>", "batches to a step (default: 1)")
    .option("--lr <rate>", "AdamW's learning rate after the warm-up (default: 1e-4)")
    .option("--weight-decay <x>", "of matrices; none for norms, biases, tokens and positions (default: 0.05)")
    .option("--layer-decay <x>", "a block's learning rate over that of the one behind it (default: 1)")
    .option("--warmup <epochs>", "epochs in which the learning rate rises from 0 (default: 0.5)")
    .option("--schedule <name>", "cosine, linear or constant (default: cosine)")
    .option("--clip <norm>", "greatest norm of the gradient, 0 for any (default: 1)")
    .option("--ema <decay>", "validate and keep a moving average of the weights, e.g. 0.999")
    .option(
      "--drop-path <p>",
      "probability that the last block is skipped, less for those before (default: 0)",
    )
    .option(
      "--dropout <p>",
      "probability that an element of the embeddings, or of what a branch adds, is zeroed (default: 0)",
    )
    .option(
      "--freeze <what>",
      "none; head: train only the head; blocks:K: only the last K blocks and the head",
    )
    .option("--depth <n>", "take only the model's first n blocks, for a smaller and faster one")
    .option("--precision <type>", "of the saved weights: float32 or float16 (default: float32)")
    .option(
      "--scratch",
      "draw new weights: MODEL is only the architecture, as config.json or a name with arguments",
    )
    .option("--patience <epochs>", "end after so many epochs without a better one")
    .option("--seed <n>", "of the split, the order, the augmentation and the new head", seedNumber, 0);
}

export function withTeacher(command: Command): Command {
  return command
    .optionsGroup("Teacher:")
    .option("--teacher <model>", "distil from this model of the same classes, whatever its family")
    .option("--distill <how>", "hard: learn the teacher's decisions; soft: its probabilities (default: hard)")
    .option(
      "--distill-token <x>",
      "whether a distillation token with a head of its own learns from the teacher: auto (where the model can have one), yes or no (default: auto)",
    )
    .option("--distill-share <x>", "share of the loss that the teacher's part has (default: 0.5)")
    .option("--temperature <t>", "of soft distillation (default: 3)");
}

export function withImages(command: Command): Command {
  return command
    .optionsGroup("Images:")
    .option("--val <share>", "of the images, to choose the best epoch by (default: 0.1)")
    .option("--test <share>", "of the images, to test on once (default: 0.2)")
    .option(
      "--augment <what>",
      "none; light: flips and mild crops; full: also colour, blur and RandAugment; or a .json file",
      "light",
    )
    .option(
      "--image-sizes <list>",
      "train on batches of these sizes by turns of chance, e.g. 160x160,192x192,224x224; validation and test are at the model's own (default: that alone)",
    )
    .option("--label-smoothing <x>", "share of a target spread over all classes (default: 0.05)")
    .option("--mixup <alpha>", "mix pairs of images (default: 0)")
    .option("--cutmix <alpha>", "put a part of one image into another (default: 0)")
    .option("--class-weights", "images of rare classes weigh more")
    .option("--balanced", "images of each class are drawn equally often")
    .option(
      "--labels <file>",
      "the order of the classes: their names in a JSON list or a line each (default: by name)",
    );
}

export function withMachine(command: Command): Command {
  return withMachineOptions(
    command
      .optionsGroup("Model and machine:")
      .option("--arch <name>", "architecture of weights without a config.json, e.g. vit_tiny_patch16_224")
      .option("--preprocess <file>", "how images are prepared, where no file beside the model says it")
      .option("--image-size <HxW>", "image size, other than the checkpoint's, e.g. 384x384", imageSize),
  );
}

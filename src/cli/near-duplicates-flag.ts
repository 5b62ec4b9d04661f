/** @file The flag of the commands that split a data set: what becomes of images that look almost alike. */
import { type Command, Option } from "commander";
import type { NearDuplicates } from "../training/data/node/splits.js";

export interface NearDuplicatesFlag {
  readonly nearDuplicates: NearDuplicates;
}

const CHOICES: readonly NearDuplicates[] = ["together", "ignore"];

export const withNearDuplicates = (command: Command): Command =>
  command.addOption(
    new Option(
      "--near-duplicates <what>",
      "images that look almost alike: kept in one part of the split, or not looked for",
    )
      .choices(CHOICES)
      .default(CHOICES[0]),
  );

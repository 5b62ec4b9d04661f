/** @file The flags of the commands that split a data set: whose split it is, and what becomes of images that look almost alike. */
import { type Command, Option } from "commander";
import type { NearDuplicates } from "../training/data/node/splits.js";
import { UsageError } from "./usage.js";

export interface SplitFlags {
  readonly splits?: string;
  readonly nearDuplicates: NearDuplicates;
}

interface Shares {
  readonly splits?: string | undefined;
  readonly val?: string;
  readonly test?: string;
}

const CHOICES: readonly NearDuplicates[] = ["together", "ignore"];

export const withSplits = (command: Command): Command =>
  command
    .option("--splits <file>", "the split of another run: its splits.json")
    .addOption(
      new Option(
        "--near-duplicates <what>",
        "images that look almost alike: kept in one part of the split, or not looked for",
      )
        .choices(CHOICES)
        .default(CHOICES[0]),
    );

/** @throws UsageError for shares of a split that is given */
export function refuseShares({ splits, val, test }: Shares): void {
  if (splits !== undefined && (val !== undefined || test !== undefined))
    throw new UsageError("--splits says which images validate and test: leave --val and --test out");
}

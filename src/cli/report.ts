/** @file `vitreous report`: a study's report, scores and tables made again from what is stored; no model is run. */
import { Command } from "commander";
import { prettyJson } from "./json.js";
import type { CommandContext } from "./options.js";
import { outputsRecord, outputsText, writeOutputs } from "./study-outputs.js";

interface Flags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function reportCommand(context: CommandContext): Command {
  return new Command("report")
    .argument("<folder>", "the folder of a study, as --out named it")
    .option("--json", "print the result as JSON")
    .option("--quiet", "no progress, notes or tables; errors are still shown")
    .description("Write the report, scores and tables of a study again, from what it has stored.")
    .addHelpText(
      "after",
      `
Examples:
  vitreous report out/study

Of a study that is not finished, what there is. No model is needed; images only where the report shows them.`,
    )
    .action(async (folder: string, { json, quiet }: Flags) => {
      const say = context.terminal(quiet ?? false);
      const analysis = await writeOutputs(folder);
      if (json) say.result(prettyJson({ out: folder, ...outputsRecord(analysis) }));
      else if (!quiet) say.result(outputsText(analysis));
    });
}

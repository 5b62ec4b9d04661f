/**
 * @file A command line, run. Exit status: 0 all done; 1 something could not be done, said on standard error; 2 the
 * command line is wrong. A user's mistake never shows a stack trace.
 */
import { Command, CommanderError } from "commander";
import { METHODS } from "../explain/registry.js";
import { METRICS } from "../metrics/registry.js";
import { VitreousError } from "../onnx/errors.js";
import { VERSION } from "../version.js";
import { convertCommand } from "./convert.js";
import { evaluateCommand } from "./evaluate.js";
import { explainCommand } from "./explain.js";
import { finetuneCommand } from "./finetune.js";
import { inspectCommand } from "./inspect.js";
import { spreadLists } from "./lists.js";
import { pretrainCommand } from "./pretrain.js";
import { reportCommand } from "./report.js";
import { studyCommand } from "./study.js";
import { type ProgressStyle, terminal } from "./terminal.js";
import { UsageError } from "./usage.js";

const EXAMPLES = `
Examples:
  vitreous study study.yaml
  vitreous inspect model.onnx
  vitreous explain model.onnx photo.jpg --method grad-cam --out maps
  vitreous evaluate model.onnx images/ --method grad-cam gradient-rollout --controls --sheet --out scores
  vitreous convert checkpoint/ -o model.onnx
  vitreous finetune checkpoint/ images/ --out trained
  vitreous pretrain checkpoint/ images/ --out backbone

vitreous <command> --help shows a command's options.`;

export interface RunOptions {
  /** "auto" (default): a bar where standard error is a terminal, nothing elsewhere; "lines": a line now and then. */
  readonly progress?: ProgressStyle;
}

/** Runs the command line and gives the exit status. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<number> {
  const { progress = "auto" } = options;
  const interrupt = new AbortController();
  const onSignal = (): void => {
    // The first one ends the work in good order; a second one ends the process at once.
    if (interrupt.signal.aborted) process.exit(1);
    interrupt.abort(new VitreousError("interrupted"));
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  let status = 0;
  const context = {
    signal: interrupt.signal,
    done: (code: number) => {
      status = Math.max(status, code);
    },
    terminal: (quiet: boolean, style = progress) =>
      terminal({ quiet, progress: style }, { out: process.stdout, err: process.stderr }),
  };
  const program = new Command("vitreous")
    .description(
      "Explains vision-transformer image classifiers and measures how faithful the explanations are.",
    )
    .version(VERSION, "--version", "print the version")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`vitreous: ${usageLine(text)}\n`) })
    .addHelpText("after", EXAMPLES);
  for (const make of [
    inspectCommand,
    explainCommand,
    evaluateCommand,
    convertCommand,
    finetuneCommand,
    pretrainCommand,
    studyCommand,
    reportCommand,
  ]) {
    program.addCommand(make(context).copyInheritedSettings(program));
  }
  try {
    const lists = { "--method": Object.keys(METHODS), "--metric": Object.keys(METRICS) };
    await program.parseAsync([...spreadLists(args, lists)], { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const message = error instanceof VitreousError ? error.message : defect(error);
    process.stderr.write(`vitreous: ${message.trimEnd().replaceAll(/\s*\n\s*/g, " ")}\n`);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** The parser's complaint in one line that says where help is. */
function usageLine(text: string): string {
  const sentence = text
    .replace(/^error: /, "")
    .trim()
    .replaceAll(/\s*\n\s*/g, " ")
    .replace(/\.$/, "");
  return `${sentence}. Add --help for the options and examples.`;
}

/** What is not a VitreousError is our fault: the trace is for the report. */
function defect(error: unknown): string {
  if (process.env.VITREOUS_DEBUG && error instanceof Error) return error.stack ?? error.message;
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `this is a defect of vitreous, please report it (run again with VITREOUS_DEBUG=1 for the trace): ${what}`;
}

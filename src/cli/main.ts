#!/usr/bin/env node
/**
 * @file The `vitreous` command. Exit status: 0 all done; 1 something could not be done, said on standard error; 2 the
 * command line is wrong. A user's mistake never shows a stack trace.
 */
import { Command, CommanderError } from "commander";
import { VitreousError } from "../onnx/errors.js";
import { VERSION } from "../version.js";
import { evaluateCommand } from "./evaluate.js";
import { explainCommand } from "./explain.js";
import { inspectCommand } from "./inspect.js";
import { UsageError } from "./usage.js";

/** Runs the command line and gives the exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  const onSignal = (): void => {
    // The first one ends the work in good order; a second one ends the process at once.
    if (interrupt.signal.aborted) process.exit(1);
    interrupt.abort(new VitreousError("interrupted"));
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  let status = 0;
  const program = new Command("vitreous")
    .description(
      "Explains vision-transformer image classifiers and measures how faithful the explanations are.",
    )
    .version(VERSION, "--version", "print the version")
    .helpOption("--help", "show help")
    .helpCommand(false)
    .showHelpAfterError("(add --help for the options and examples)")
    .exitOverride()
    .addHelpText(
      "after",
      `
Examples:
  vitreous inspect model.onnx
  vitreous explain model.onnx photo.jpg --method grad-cam --out maps
  vitreous evaluate model.onnx images/ --method grad-cam --metric insertion --metric deletion --out scores`,
    );
  for (const make of [inspectCommand, explainCommand, evaluateCommand]) {
    program.addCommand(make({ signal: interrupt.signal, done: (code) => (status = Math.max(status, code)) }));
  }
  try {
    await program.parseAsync([...args], { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const message = error instanceof VitreousError ? error.message : defect(error);
    process.stderr.write(`vitreous: ${message.replaceAll("\n", " ")}\n`);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** What is not a VitreousError is our fault: the trace is for the report. */
function defect(error: unknown): string {
  if (process.env.VITREOUS_DEBUG && error instanceof Error) return error.stack ?? error.message;
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `this is a defect of vitreous, please report it (run again with VITREOUS_DEBUG=1 for the trace): ${what}`;
}

// A reader that closes the pipe early (`| head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await main(process.argv.slice(2));
